"""A small provider of API keys that behaves as any description says, and misbehaves as it is told."""
