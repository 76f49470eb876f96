"""Logs an application in with the newest password that works. README.md has an example for each driver."""

from credential_reader.errors import NoneLogsIn, NothingToTry, ReaderError
from credential_reader.reader import Reader
from credential_reader.refusals import is_refused_login
from credential_reader.shapes import Login

__all__ = ["Login", "NoneLogsIn", "NothingToTry", "Reader", "ReaderError", "is_refused_login"]
