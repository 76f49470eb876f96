"""The command `rotation`: start, follow and explain rotations, and report on them, for people and auditors."""

DISTRIBUTION = "database-credential-rotation"
"""What it is installed as; `credential-rotation` on PyPI is somebody else's."""
