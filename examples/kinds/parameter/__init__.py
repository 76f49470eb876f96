"""A parameter of Systems Manager from which an application reads its login."""
