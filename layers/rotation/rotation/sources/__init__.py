"""Where credentials are made and tried: a folder for each kind."""
