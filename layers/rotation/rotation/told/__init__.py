"""What an execution did, how it ended, and what people are told of it. Pure."""
