"""Where credentials are made, tried and withdrawn: a package for each kind."""
