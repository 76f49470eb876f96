"""What runs in a function: its entry, its settings, and the one place where adapters are chosen."""
