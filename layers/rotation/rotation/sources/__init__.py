"""Where credentials are made and tried: a folder per kind."""
