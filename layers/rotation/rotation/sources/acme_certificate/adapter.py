"""KeyProvider on an ACME server (RFC 8555): a key's id is its certificate's serial number, its secret both as one text.

**What there is, our own zone says.** An ACME server need not list what an account had issued, and those that most people use do
not; and its certificates carry no name of ours. So each order has a mark (marks.py), a TXT value beside the answers to challenges,
with target, rotation and the order's URL. It is put before anything can be issued for the order, and taken out when its
certificate is revoked or over: `keys` reads the marks, and what the orders say. So a certificate that was issued and lost is known
by whoever comes next, as with any provider that lists; what others had issued, with the same account too, has no mark, and is never
looked at. Marks are replaced only as they were seen (zone.py), so that no call takes out another one's.

**An order goes on where it was left.** Issuing may take longer than a function lives: the change has to be known to all servers of
Route 53, the ACME server looks there. What is not ready in time is SourceLags, and the next call finds the order by its mark. Only
the last step is not to be continued, for the private key is in this call's memory: it has a time of its own. What is signed when
the call has ended nevertheless is a lost one.

**Revoked is what the server says.** ACME has no question for that. Who asks again to revoke is answered `alreadyRevoked`:
asked with the certificate's own key, which nobody else has, and only of what this call was told to delete. So a certificate of
another account (the first one, which a person had issued) is revoked too. To try one nobody is asked: a handshake and its own
dates are all that there is.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rotation.core.certificate import each, parts
from rotation.core.errors import AdminLoginUnknown, SourceLags, SourceRefused, TargetInvalid
from rotation.core.model import NO_KEY
from rotation.core.seen import Key
from rotation.sources.acme_certificate.kind import HOSTS, host
from rotation.sources.acme_certificate.marks import Mark, challenged, marks, quoted
from rotation.sources.acme_certificate.server import Server, known, meant
from rotation.sources.acme_certificate.zone import Held, Zone
from rotation.sources.certificates import DAY, asked_names, own, unlike
from rotation.sources.https import Host

if TYPE_CHECKING:
    from rotation.core.model import Credential, Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings
    from rotation.sources.acme_certificate.jws import Signer
    from rotation.sources.acme_certificate.server import Asked, Reply
    from rotation.sources.certificates import About, Maker, Request

WORKS_SECONDS = 10.0
"""For so long one call goes on, but for the last step."""
SIGN_SECONDS = 10.0
"""For so long the last step may take. With both, and a request that is answered late, a call is within the function's 30 s."""
POLL_SECONDS = 1.0
_OPEN = ("pending", "ready")
_AGAIN = "-"
"""With which begins what stands in the place of a change that nobody knows."""


class Records(NamedTuple):
    """What stands in the zone, under each of the names where answers are looked for."""

    seen: Mapping[str, Held]
    marks: Sequence[Mark]


class Order(NamedTuple):
    """One of ours, as the server has it."""

    mark: Mark
    said: Mapping[str, Any]

    @property
    def status(self) -> str:
        return str(self.said.get("status"))

    @property
    def names(self) -> set[str]:
        found = self.said.get("identifiers")
        return {str(one.get("value")).lower() for one in found if isinstance(one, dict)} if isinstance(found, list) else set()

    @property
    def certificate(self) -> str:
        return str(self.said.get("certificate") or "") if self.status == "valid" else ""


class Challenge(NamedTuple):
    """That of an authorization that is answered by a TXT record."""

    url: str
    name: str
    """Of the record."""
    token: str
    status: str
    """Of the authorization."""
    problem: str
    authorization: str


def make(settings: Settings, here: Surroundings) -> AcmeCertificates:
    """As the target names it."""
    _need_named(host(settings), here.acme_hosts)
    from rotation.sources.x509 import X509  # with its library, where certificates are made or tried

    server = Server(settings["directory"], Host(host(settings), settings["ca"], "directory an ACME server's"), time.time)
    return AcmeCertificates(settings, server, Zone(settings["zone"]), here.needed_seconds, X509())


def _need_named(asked: str, hosts: Collection[str]) -> None:
    if asked not in hosts:
        named = ", ".join(sorted(hosts)) or "none"
        raise TargetInvalid(f"source.directory {asked}: this stack asks for certificates only at {named} (parameter {HOSTS})")


def _signing(key: Password, account: str = "") -> Signer:
    """ValueError where it is no key that signs."""
    from rotation.sources.acme_certificate.jws import Signer  # with its library

    return Signer(key, account)


class Clock:
    """Moments, and how long to wait between two looks."""

    now = staticmethod(time.time)
    sleep = staticmethod(time.sleep)


class AcmeCertificates:
    """Of one target, with one account."""

    limit = None
    named = True
    dedicated = False

    def __init__(self, settings: Settings, server: Asked, zone: Zone, needed_seconds: float, maker: Maker) -> None:
        """`needed_seconds`: for how long one that is taken into use has to be valid."""
        self._settings, self._server, self._zone = settings, server, zone
        self._needed, self._maker = needed_seconds, maker
        self._asked = asked_names(settings)
        self._at = challenged(settings["common_name"])
        """Where the marks are."""
        self.clock: Any = Clock()
        self.signs: Callable[..., Signer] = _signing
        self.encoded: Callable[[str], str] = der
        self._read: dict[str, About] = {}
        """By the certificate's URL: what a certificate says never changes."""
        self._chains: dict[str, str] = {}
        self._ended: set[str] = set()
        """Numbers of those that this call was told to delete."""

    @property
    def _name(self) -> str:
        return self._server.name

    def _now(self) -> float:
        return float(self.clock.now())

    # To try one

    def logs_in(self, credential: Credential) -> bool:
        """A handshake with it succeeds. Whether it is revoked, only who revokes is told."""
        ours = own(self._maker, credential)
        if ours is None or ours.ends <= self._now() or credential.username in self._ended:
            return False
        return self._maker.shakes(credential.password, self._settings["authority"])

    def refuses(self, credential: Credential) -> bool:
        """It is over, or no client takes it, or the server says that it is revoked: that is asked by asking for it again, of what
        this call was told to delete and of nothing else."""
        ours = own(self._maker, credential)
        if ours is None or ours.ends <= self._now():
            return True
        if not self._maker.shakes(credential.password, self._settings["authority"]):
            return True
        return credential.username in self._ended and self._is_revoked(credential)

    def _is_revoked(self, credential: Credential) -> bool:
        """By the certificate's own key."""
        return self._revoke(self.signs(parts(credential.password)[1]), credential.password.reveal())

    # As the admin

    def check(self, admin: Credential | None) -> None:
        """Whether the account is good, and the zone the one of the names."""
        signer = self._signer(admin)
        reply = self._server.ask(signer, self._account(admin), "the account")
        if not reply.ok or reply.said.get("status") != "valid":
            found = reply.said.get("status") if reply.ok else ""
            said = f"the account is {found}" if found in ("deactivated", "revoked") else meant(reply.problem, reply.status)
            raise AdminLoginUnknown(f"{self._name}: {said}: put the URL and the key of a valid account into the admin's secret")
        self._zone.check({challenged(one) for one in self._names})

    @property
    def _names(self) -> set[str]:
        return {str(self._settings["common_name"]), *self._settings["alt_names"]}

    @staticmethod
    def _account(admin: Credential | None) -> str:
        return admin.username if admin is not None else ""

    def _signer(self, admin: Credential | None) -> Signer:
        if admin is None:
            raise AdminLoginUnknown(f"{self._name}: no admin's secret is named, with an account")
        if not admin.username.startswith(f"https://{host(self._settings)}/"):
            raise AdminLoginUnknown(f"{self._name}: username of the admin's secret is no account's URL there (https://…)")
        try:
            return self.signs(admin.password, admin.username)
        except ValueError as error:
            raise AdminLoginUnknown(f"{self._name}: password of the admin's secret, in PEM, is {error}") from None

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        """Those of the marked orders that are valid and not over, whoever's marks they are."""
        signer, now = self._signer(admin), self._now()
        orders = [self._order(signer, mark) for mark in self._records([self._at]).marks]
        found = [(order.mark, self._about(signer, order)) for order in orders if order is not None and order.certificate]
        return [self._key(mark, about, now) for mark, about in found if about is not None and about.ends > now]

    def _key(self, mark: Mark, about: About, now: float) -> Key:
        worn = about.ends - now < self._needed or not self._asked <= about.names
        return Key(about.serial, max(0.0, now - about.begins), None, True, mark.name, about.ends - now, worn)

    def _records(self, names: Iterable[str]) -> Records:
        seen = {name: self._zone.read(name) for name in dict.fromkeys(names)}
        return Records(seen, marks(seen[self._at].values))

    def _order(self, signer: Signer, mark: Mark) -> Order | None:
        """None where the server does not know it, or not as that account's."""
        if not mark.order.startswith(f"https://{host(self._settings)}/"):
            return None
        reply = self._server.ask(signer, mark.order, "an order")
        return Order(mark, reply.said) if reply.ok else None

    def _about(self, signer: Signer, order: Order) -> About | None:
        url = order.certificate
        if url not in self._read:
            reply = self._server.ask(signer, url, "a certificate")
            if not reply.ok:
                return None
            self._chains[url], self._read[url] = reply.text, self._understood(reply.text)
        return self._read[url]

    def _understood(self, chain: str) -> About:
        try:
            return self._maker.about(chain)
        except ValueError:
            raise SourceRefused(f"{self._name}: what it answers is no certificate") from None

    # To have one issued

    def issue(self, admin: Credential | None, name: str) -> Credential:
        """SourceLags where it is not ready in time; the next call goes on with the same order. Without an answer one may be signed:
        its mark tells."""
        signer, until = self._signer(admin), self._now() + WORKS_SECONDS
        order = self._begun(signer, name)
        self._authorize(signer, order, until)
        self._need_time(until, 0.0, "the order is ready to be signed")
        request = self._maker.request(self._settings)
        self._finalized(signer, order, request)
        return self._downloaded(signer, order.mark, request, self._now() + SIGN_SECONDS)

    def _begun(self, signer: Signer, name: str) -> Order:
        """An order of ours that is open and for these names, or a new one; marked with that name. What is of no use any more is
        taken out: of this record's rotations, and nobody else's."""
        records = self._records(challenged(one) for one in sorted(self._names))
        ours = [mark for mark in records.marks if mark.name.rpartition(".")[0] == name.rpartition(".")[0]]
        found = {mark: self._order(signer, mark) for mark in ours}
        open_ones = [one for one in found.values() if one and one.status in _OPEN and one.names == self._names]
        chosen = open_ones[-1] if open_ones else self._new_order(signer, name)
        stale = [mark for mark, order in found.items() if self._is_stale(signer, order) or mark.order == chosen.mark.order]
        gone = {mark.value for mark in stale}
        answers = [one for mark in stale if mark.order != chosen.mark.order for one in self._answers(signer, found[mark])]
        mark = chosen.mark._replace(name=name)
        wanted = {place: [one for one in held.values if one not in gone] for place, held in records.seen.items()}
        for challenge in answers:
            value = quoted(signer.answer(challenge.token))
            wanted[challenge.name] = [one for one in wanted.get(challenge.name, []) if one != value]
        wanted[self._at].append(mark.value)
        self._zone.swap(records.seen, {place: values for place, values in wanted.items() if place in records.seen})
        return chosen._replace(mark=mark)

    def _is_stale(self, signer: Signer, order: Order | None) -> bool:
        """Nothing will come of it: it is unknown, invalid, for other names, or its certificate is over, or not shown any more."""
        if order is None or order.status == "invalid" or (order.status in _OPEN and order.names != self._names):
            return True
        if not order.certificate:
            return False
        about = self._about(signer, order)
        return about is None or about.ends <= self._now()

    def _new_order(self, signer: Signer, name: str) -> Order:
        asked = {"identifiers": [{"type": "dns", "value": one} for one in sorted(self._names)]}
        reply = self._server.ask(signer, self._server.url("newOrder"), "a new order", asked)
        if not reply.ok or not reply.location:
            raise self._refused(reply, "a new order")
        return Order(Mark(name, reply.location), reply.said)

    def _authorize(self, signer: Signer, order: Order, until: float) -> None:
        """All its names are ours to have a certificate for, and nothing is left of the answers."""
        answers = self._answers(signer, order)
        open_ones = [one for one in answers if order.status == "pending" and one.status == "pending"]
        self._answer(signer, order, open_ones, until)
        refused = self._proven(signer, open_ones, until)
        self._take_out(signer, answers)
        if refused:
            raise SourceRefused(f"{self._name} does not take {refused}")

    def _answers(self, signer: Signer, order: Order | None) -> list[Challenge]:
        """Of each of its authorizations that the server still knows."""
        urls = order.said.get("authorizations") if order is not None else []
        found = [self._challenge(signer, str(url)) for url in urls] if isinstance(urls, list) else []
        return [one for one in found if one is not None]

    def _challenge(self, signer: Signer, url: str) -> Challenge | None:
        reply = self._server.ask(signer, url, "an authorization")
        if not reply.ok:
            return None
        found, named = reply.said.get("challenges"), reply.said.get("identifier")
        status = str(reply.said.get("status"))
        for one in found if isinstance(found, list) else []:
            if isinstance(one, dict) and isinstance(named, dict) and one.get("type") == "dns-01":
                place = challenged(str(named.get("value")).lower())
                return Challenge(str(one.get("url")), place, str(one.get("token")), status, known(one.get("error")), url)
        if status == "pending":
            raise SourceRefused(f"{self._name} does not offer to look for a TXT record (dns-01)")
        return None  # it was proven in another way

    def _answer(self, signer: Signer, order: Order, challenges: Sequence[Challenge], until: float) -> None:
        """The records are there, everywhere, and the server is told to look."""
        if not challenges:
            return
        records = self._records([self._at, *(one.name for one in challenges)])
        wanted = {place: list(held.values) for place, held in records.seen.items()}
        for one in challenges:
            value = quoted(signer.answer(one.token))
            if value not in wanted[one.name]:
                wanted[one.name].append(value)
        change, mark = self._zone.swap(records.seen, wanted) or order.mark.change, order.mark
        if not change or change.startswith(_AGAIN):  # a call that was cut short has put them: what is put after them is known later
            mark = order.mark._replace(change=f"{_AGAIN}{self._now():.0f}")
            change = self._marked(order.mark, mark)
        while not self._zone.is_known(change):
            if self._now() + 2 * POLL_SECONDS > until:
                self._marked(mark, mark._replace(change=change))
                raise SourceLags(f"{self._name}: the TXT records are not known to all servers of Route 53 yet")
            self.clock.sleep(2 * POLL_SECONDS)
        for one in challenges:
            self._server.ask(signer, one.url, "a challenge", {})

    def _marked(self, was: Mark, mark: Mark) -> str:
        seen = self._zone.read(self._at)
        return self._zone.swap({self._at: seen}, {self._at: [*(one for one in seen.values if one != was.value), mark.value]})

    def _proven(self, signer: Signer, challenges: Sequence[Challenge], until: float) -> str:
        """Which name is not, and why; empty where all are."""
        for one in challenges:
            found = self._challenge(signer, one.authorization)
            while found is not None and found.status == "pending":
                self._pause(until, "it has not looked for the TXT records yet")
                found = self._challenge(signer, one.authorization)
            if found is None or found.status != "valid":
                problem = found.problem if found is not None else ""
                said = meant("incorrectResponse" if problem == "unauthorized" else problem)  # as most servers call it
                return f"{one.name.rstrip('.')} for the target's: {said}"
        return ""

    def _take_out(self, signer: Signer, challenges: Sequence[Challenge]) -> None:
        """The answers to them: nobody looks for them any more."""
        answers: dict[str, set[str]] = {}
        for one in challenges:
            if one.name:
                answers.setdefault(one.name, set()).add(quoted(signer.answer(one.token)))
        seen = {place: self._zone.read(place) for place in answers}
        self._zone.swap(seen, {place: [one for one in seen[place].values if one not in answers[place]] for place in answers})

    def _finalized(self, signer: Signer, order: Order, request: Request) -> None:
        asked = {"csr": self.encoded(request.text)}
        reply = self._server.ask(signer, str(order.said.get("finalize")), "an order to be signed", asked)
        if reply.problem == "orderNotReady":
            raise SourceLags(f"{self._name}: the order is not ready to be signed yet")
        if not reply.ok:
            raise self._refused(reply, "an order to be signed")

    def _downloaded(self, signer: Signer, mark: Mark, request: Request, until: float) -> Credential:
        from rotation.sources.x509 import with_chain

        order = self._order(signer, mark)
        while order is not None and order.status in ("processing", "ready"):
            self._pause(until, "it has not signed yet, and what it signs now is revoked by the next try")
            order = self._order(signer, mark)
        about = self._about(signer, order) if order is not None and order.certificate else None
        if order is None or about is None:
            raise SourceRefused(f"{self._name}: the order was not signed ({meant(known(order and order.said.get('error')))})")
        pem = list(each(self._chains[order.certificate]))
        password = with_chain(self._maker, request.key, pem[0], pem[1:])
        self._need_as_asked(signer, order.mark, about, password, request.public)
        return NO_KEY.with_login(about.serial, password)

    def _need_as_asked(self, signer: Signer, mark: Mark, about: About, password: Password, public: bytes) -> None:
        """One that is otherwise is of no use: it is revoked at once. One of another key is somebody else's."""
        if about.public != public:
            raise SourceRefused(f"{self._name}: what it answers is the certificate of another key ({about.serial}), and left alone")
        wrong = list(unlike(about, self._asked, self._now() + self._settings["lasts_days"] * DAY))
        if not wrong and not self._maker.shakes(password, self._settings["authority"]):
            wrong.append("which a client refuses that trusts source.authority alone")
        if wrong:
            self._revoke(signer, password.reveal())
            self._forget([mark.order])
            raise SourceRefused(f"{self._name}: it signs {', '.join(wrong)}: {about.serial} is revoked again")

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002, ARG002 - as the port has it
        """A revocation cannot be undone."""
        return False

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002 - as the port has it
        """It is revoked, and its mark is gone. Of one without a mark `refuses` does it, which has its key."""
        signer = self._signer(admin)
        for mark in self._records([self._at]).marks:
            order = self._order(signer, mark)
            about = self._about(signer, order) if order is not None and order.certificate else None
            if order is None or about is None or about.serial != id:
                continue
            if about.ends > self._now():
                self._revoke(signer, self._chains[order.certificate])
            self._forget([mark.order])
        self._ended.add(id)

    def _revoke(self, signer: Signer, pem: str) -> bool:
        """True: it is, by now or since long."""
        reply = self._server.ask(
            signer, self._server.url("revokeCert"), "a revocation", {"certificate": self.encoded(next(each(pem)))}
        )
        if reply.ok or reply.problem == "alreadyRevoked":
            return True
        raise SourceRefused(f"{self._name} does not revoke a certificate: {meant(reply.problem, reply.status)}")

    def _forget(self, orders: Collection[str]) -> None:
        records = self._records([self._at])
        gone = {mark.value for mark in records.marks if mark.order in orders}
        self._zone.swap(records.seen, {self._at: [one for one in records.seen[self._at].values if one not in gone]})

    # What keeps us

    def _need_time(self, until: float, seconds: float, said: str) -> None:
        if self._now() + seconds > until:
            raise SourceLags(f"{self._name}: {said}")

    def _pause(self, until: float, said: str) -> None:
        """For as long as the server asks us to."""
        seconds = max(POLL_SECONDS, self._server.waits)
        self._need_time(until, seconds, said)
        self.clock.sleep(seconds)

    def _refused(self, reply: Reply, what: str) -> SourceRefused:
        return SourceRefused(f"{self._name}, {what}: {meant(reply.problem, reply.status)}")


def der(pem: str) -> str:
    """As ACME has certificates and requests."""
    body = "".join(line for line in pem.splitlines() if line and not line.startswith("-"))
    return base64.urlsafe_b64encode(base64.b64decode(body)).rstrip(b"=").decode()
