"""The secret that an application reads its login from, by itself."""
