"""What a credential rotation means: pure decisions, steps over ports, adapters behind them.

functions/<step>/app.py → steps/ → ports.py ← adapters/
                             ↓
                model, record, situation, drain, rollout, sqlconf, passwords, target, errors   (pure: no I/O)
"""
