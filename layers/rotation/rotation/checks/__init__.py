"""How an application shows that it works."""
