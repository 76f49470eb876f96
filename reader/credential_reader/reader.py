"""The newest login that works: tried by logging in, remembered, sought again when it is refused or something newer is there."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from credential_reader.errors import NoneLogsIn, NothingToTry, ReaderError
from credential_reader.places import Found, Places, Reading
from credential_reader.refusals import is_refused_login
from credential_reader.shapes import Login, Shape

C = TypeVar("C")
_logger = logging.getLogger("credential_reader")


@dataclass(frozen=True)
class _Known:
    """What logged in, and all that was there at that time."""

    found: Found
    among: tuple[Found, ...]


@dataclass(frozen=True)
class _Ended:
    """A search, over what was there: what was said of it, if each login was refused."""

    among: tuple[Found, ...] = ()
    all_refused: str = ""


class Reader:
    """One for each credential of an application; any number of threads and pools may use it.

    `name` is the file's, without `_v7`: a Swarm secret, a mounted file. `username` is whose a bare password is.
    `variable` is what the environment calls it (`…_FILE`, `…_FILE_NEW`): the name in capitals, unless said otherwise.
    `keys` are those of a JSON document. `refused` says of an error of the driver whether it is a refused login.
    """

    def __init__(
        self,
        name: str,
        username: str = "",
        *,
        folder: str | os.PathLike[str] = "/run/secrets",
        variable: str | None = None,
        keys: tuple[str, str] = ("username", "password"),
        refused: Callable[[Exception], bool] = is_refused_login,
    ) -> None:
        self._places = Places(name, Path(folder), variable or Places.variable_of(name))
        self._shape = Shape(username, *keys)
        self._refused = refused
        self._known: _Known | None = None
        self._turn = threading.Lock()
        self._ended = _Ended()

    def __repr__(self) -> str:
        return f"Reader({self._places.name!r}, place={self.place!r})"

    @property
    def place(self) -> str | None:
        """Where the login is written that was used last: for a page that tells how an application is."""
        known = self._known
        return known.found.place if known else None

    def connect(self, log_in: Callable[[Login], C]) -> C:
        """What `log_in` returns for the newest login that the server takes. Any error but a refused login is passed on as it is."""
        before, known = self._ended, self._known
        if known is None or known.among != self._read().found:
            return self._search(log_in, before, None)
        return self._log_in(log_in, before, known.found.login)

    def _log_in(self, log_in: Callable[[Login], C], before: _Ended, login: Login) -> C:
        """With one that has logged in before; the others, if it is refused now."""
        try:
            return log_in(login)
        except Exception as error:
            if not self._refused(error):
                raise
        return self._search(log_in, before, login)

    def _read(self) -> Reading:
        return self._places.read(os.environ, self._shape)

    def _search(self, log_in: Callable[[Login], C], before: _Ended, refused: Login | None) -> C:
        """One thread at a time: of ten that are refused at once, nine wait, and the server is asked about each login once.

        `before`: the last search that had ended when this thread began.
        """
        with self._turn:
            ended, known = self._ended, self._known
            if ended is before:
                return self._in_turn(log_in, refused)
        # Another thread has searched meanwhile. Nobody waits from here on: with the network away, that would be a time-out each.
        if ended.all_refused and ended.among == self._read().found:
            raise NoneLogsIn(ended.all_refused)
        if known is None or known.found.login == refused:
            return self._try_each(log_in, self._read(), refused)
        return self._log_in(log_in, ended, known.found.login)

    def _in_turn(self, log_in: Callable[[Login], C], refused: Login | None) -> C:
        reading, said = self._read(), ""
        try:
            return self._try_each(log_in, reading, refused)
        except NoneLogsIn as error:
            said = str(error)
            raise
        finally:
            self._ended = _Ended(reading.found, said)

    def _try_each(self, log_in: Callable[[Login], C], reading: Reading, refused: Login | None) -> C:
        """`refused` was so a moment ago: it is not tried once more."""
        others = [found for found in self._candidates(reading) if found.login != refused]
        once_more = others[:1] if len(others) > 1 else []  # the password may have changed between the first one and the last
        for found in others + once_more:
            try:
                connection = log_in(found.login)
            except Exception as error:  # noqa: PERF203 - beside a login it is nothing
                if not self._refused(error):
                    raise
                _logger.warning("%s: the login of %s is refused", self._places.name, found.place)
            else:
                self._remember(_Known(found, reading.found))
                return connection
        raise self._none(reading)

    def _candidates(self, reading: Reading) -> tuple[Found, ...]:
        """What was remembered comes last, if it is nowhere: its file may be just being written."""
        known = self._known
        if known is None or known.found.login in [one.login for one in reading.found]:
            return reading.found
        return (*reading.found, known.found)

    def _remember(self, now: _Known) -> None:
        if self._known is None or self._known.found != now.found:
            _logger.info("%s: logged in as %s, by %s", self._places.name, now.found.login.username, now.found.place)
        self._known = now

    def _none(self, reading: Reading) -> ReaderError:
        refused = ", ".join(one.place for one in self._candidates(reading))
        nothing = "; ".join(reading.unusable)
        if not refused:
            return NothingToTry(f"{self._places.name}: there is no login: {nothing}")
        return NoneLogsIn(f"{self._places.name}: refused is what is in {refused}" + (f"; {nothing}" if nothing else ""))
