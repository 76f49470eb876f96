"""The command `rotation`: start, follow and explain rotations, and report on them, for people and auditors."""
