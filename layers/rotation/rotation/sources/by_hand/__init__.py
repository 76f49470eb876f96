"""A provider without a call that makes keys: a person makes them, and revokes them."""
