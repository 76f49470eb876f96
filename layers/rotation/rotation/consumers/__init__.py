"""Where an application reads its credential: a folder per kind."""
