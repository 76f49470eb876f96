"""A function of the user's own, which puts the credential where no kind of ours reaches."""
