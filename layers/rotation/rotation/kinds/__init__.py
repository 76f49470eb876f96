"""Which kinds of source and consumer there are, and what a target document says of them. Pure.

The kinds themselves are in `sources/` and `consumers/`, a folder each."""
