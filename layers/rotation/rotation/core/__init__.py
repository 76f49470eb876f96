"""Pure: the words of the domain and what is decided over them. No I/O, no kind of source or consumer."""
