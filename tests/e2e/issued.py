"""Credentials that somebody issues one by one, in tests: what there is of ours and of a person's, and what must be so at rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rotation.sources.acme_certificate.marks import WORD

from local.acme.stack import SOMEBODY_S, AcmeServed
from local.certified import served
from local.certified.stack import Certified
from local.faults import Fault
from local.keys import stack as keys
from local.keys.stack import KeysInVault
from local.keys.user import IamUser
from local.login import Login
from local.provider.stack import ANOTHER_S, Mailer
from local.running import Running
from local.shop.signer import Signer
from local.shop.stack import OTHERS, login_of
from tests.e2e.rotations import Traffic, Turns
from tests.whole import WHOLE

RATE = 40.0 if WHOLE else 20.0
"""Of requests, calls or handshakes a second."""
MOST = 2
"""Of ours, whatever happens: what is in use, and what comes next or is not withdrawn yet. IAM knows no third."""


class IssuedTurns(Turns):
    """Of one application. There is no admin whose credential is rotated."""

    others: Mapping[str, Any] = OTHERS
    """What the application's secret holds besides."""

    def __init__(self, stack: Running, load: Traffic) -> None:
        super().__init__(stack, load)
        self._a_person_s = self.a_person_s()

    # What differs

    def issued(self) -> set[str]:
        """What is taken, or could be, and no person made: by their names."""
        raise NotImplementedError

    def a_person_s(self) -> object:
        """All that is of no concern to us where ours are issued."""
        raise NotImplementedError

    def name(self, key: Login) -> str:
        """As whoever issues it calls it."""
        return key.username

    def written(self) -> list[Mapping[str, Any]]:
        """Every place where the application's credential stands among other things."""
        application: str = self.stack.application_secret  # type: ignore[attr-defined]
        return [self.stack.secret(application)]

    def readable(self) -> list[Login]:
        """Of all versions of those places that somebody could still read."""
        return list(self.stack.held().values())

    # What is the same

    def logins(self) -> tuple[Login, ...]:
        """The one in use."""
        slots = self.slots
        return (login_of(slots[slots["active_slot"]]),)

    def working_at_rest(self) -> tuple[Login, ...]:
        return self.logins()

    def to_be_retired(self) -> list[Login]:
        return [self.active]

    def recorded(self) -> set[str]:
        """All that the record holds: after a rollback the next one too."""
        slots = self.slots
        return {self.name(login_of(slots[slot])) for slot in "AB" if slots[slot]}

    def assert_within_bounds(self) -> None:
        """At any moment at which nobody is at work."""
        assert len(self.issued()) <= MOST
        assert self.a_person_s() == self._a_person_s
        for written in self.written():
            assert {name: value for name, value in written.items() if name in self.others} == self.others

    def assert_at_rest(self) -> None:
        """What no slot holds is gone, and cannot be read any more."""
        super().assert_at_rest()
        self.assert_within_bounds()
        recorded = self.recorded()
        assert self.issued() <= recorded
        assert {self.name(login) for login in self.readable()} <= recorded

    def assert_moved_from(self, before: Login) -> None:
        """The one in use is another one, and the only one."""
        now = self.active
        assert self.name(now) != self.name(before)
        assert self.issued() == {self.name(now)} == {self.name(login) for login in self.readable()}


class KeyTurns(IssuedTurns):
    """What is issued is stored at once: nothing is there beforehand."""

    def assert_moved_from(self, before: Login) -> None:
        super().assert_moved_from(before)
        assert self.recorded() == {self.active.username}

    def assert_turns_back_and_takes_it_again(self) -> None:
        """A rotation after which the application does not work: what it issued is the next one's."""
        before, error = self.active, {"errorType": "LoginRefused", "errorMessage": "made up"}
        self.stack.aws.fail(Fault(self.stack.function("ValidateApp"), match={"direction": "forward"}, error=error))
        run = self.run()
        assert run.outcome == "RolledBack", run.cause
        assert self.active == before
        self.assert_at_rest()
        (kept,) = self.issued() - {before.username}
        self.assert_rotates()
        assert self.active.username == kept


class InVaultTurns(KeyTurns):
    """What stands in a path of a Vault, too."""

    stack: KeysInVault | Certified

    def written(self) -> list[Mapping[str, Any]]:
        return [*super().written(), self.stack.in_path()]

    def readable(self) -> list[Login]:
        return [*super().readable(), *self.stack.readable()]


class ProviderTurns(KeyTurns):
    """Of a provider with an API."""

    stack: Mailer

    def working_at_rest(self) -> tuple[Login, ...]:
        return (*self.logins(), self.admin)

    def issued(self) -> set[str]:
        return {key.id for key in self.stack.provider.keys.values() if key.name != ANOTHER_S}

    def a_person_s(self) -> object:
        return [key for key in self.stack.provider.keys.values() if key.name == ANOTHER_S]


class AccessKeyTurns(InVaultTurns):
    """Of an IAM user whom nobody else makes keys of."""

    stack: KeysInVault
    others = keys.OTHERS

    def __init__(self, stack: KeysInVault, load: Traffic) -> None:
        self._somebody = IamUser(stack.aws, "somebody")
        self._somebody.create("/people/")
        self._somebody.issue()
        super().__init__(stack, load)

    def issued(self) -> set[str]:
        return set(self.stack.ids())

    def a_person_s(self) -> object:
        return self._somebody.ids()


class CertificateTurns(InVaultTurns):
    """Of a PKI, at whose mount a person has one issued, too, by the same role."""

    stack: Certified
    others = served.OTHERS

    def __init__(self, stack: Certified, load: Traffic) -> None:
        self._theirs = stack.issue().username
        super().__init__(stack, load)

    def issued(self) -> set[str]:
        return set(self.stack.valid()) - {self._theirs}

    def a_person_s(self) -> object:
        return self._theirs in self.stack.valid()


class SigningTurns(IssuedTurns):
    """Issued is whatever verifiers take. The key of the next rotation is made beforehand, and published by that one."""

    stack: Signer

    def issued(self) -> set[str]:
        return {key["kid"] for key in self.stack.jwks()["keys"] if key != self.stack.somebody_s}

    def a_person_s(self) -> object:
        return [key for key in self.stack.jwks()["keys"] if key == self.stack.somebody_s]

    def name(self, key: Login) -> str:
        return str(json.loads(key.password)["kid"])


class AcmeTurns(KeyTurns):
    """Of an ACME server, where a person has an account too; and somebody has a value of their own where challenges are answered."""

    stack: AcmeServed
    others = served.OTHERS

    def issued(self) -> set[str]:
        return self.stack.valid()

    def a_person_s(self) -> object:
        return self.stack.a_person_s()

    def assert_at_rest(self) -> None:
        """And the zone holds no answer to a challenge any more, and a mark of each that is valid."""
        super().assert_at_rest()
        left = [one for one in self.stack.values() if WORD not in one and one != SOMEBODY_S]
        assert left == []
