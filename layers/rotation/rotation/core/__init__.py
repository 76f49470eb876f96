"""What is so, what is to be done: types, records, decisions. Pure: no I/O, no clock, no chance that is not handed in."""
