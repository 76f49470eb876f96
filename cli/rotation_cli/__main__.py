"""`python -m rotation_cli` is `rotation`, where it is not installed."""

from rotation_cli.app import run

run()
