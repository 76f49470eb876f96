"""Something with a settings page, which no kind of ours reaches: a function of the user's own puts the login there."""
