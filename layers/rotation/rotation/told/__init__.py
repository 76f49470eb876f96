"""How an execution ended, and what people are told of it. Pure."""
