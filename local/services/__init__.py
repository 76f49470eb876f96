"""Three services of one platform, and the six kinds of credentials that they use."""
