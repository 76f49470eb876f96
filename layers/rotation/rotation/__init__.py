"""What a credential rotation means.

functions/<step>/app.py → runtime/ → steps/ → protocol/ → ports.py ← aws/, sources/, consumers/, checks/
                                        ↓
                                      core/   (pure: no I/O)        told/   (pure: how an execution ended)
"""
