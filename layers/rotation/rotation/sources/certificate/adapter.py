"""KeyProvider on the PKI of a Vault or OpenBao: a key's id is its certificate's serial number, its secret both as one text.

The private key is made here and stays here: the PKI is sent a request to sign. Each certificate carries, as a URI among its names,
which target and which rotation it is of; so one that was signed and lost is known again in the PKI's list, and nothing else there
is ever taken for ours. What a certificate and the list of revoked ones say everybody may ask: to try one, nobody logs in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rotation.core.certificate import each
from rotation.core.errors import (
    AdminLoginUnknown,
    SourceRefused,
    TargetInvalid,
    VaultDenied,
    VaultLoginRefused,
    VaultMountMissing,
)
from rotation.core.model import NO_KEY, Credential
from rotation.core.seen import Key
from rotation.sources.certificate.kind import HOSTS
from rotation.sources.certificate.role import SCHEME, unfit
from rotation.sources.certificates import DAY, asked_names, own, unlike
from rotation.vault.fields import host, is_named
from rotation.vault.login import Session, as_admin
from rotation.vault.server import NO_ROUTE, Answer, Server

if TYPE_CHECKING:
    from rotation.core.model import Password
    from rotation.kinds.kind import Settings
    from rotation.ports import Surroundings
    from rotation.sources.certificates import About, Maker
    from rotation.vault.server import Asked

MOST = 500
"""Certificates that are valid and have to be read one by one to know whose they are: more do not fit into a function's time."""
NEW_SECONDS = 300
"""For how long another node of the PKI may not know a certificate yet."""
_DENIED = ("not allowed by this role", "not valid for this role", "not allowed in this role", "not a valid hostname")
_TOO_LONG = ("expiration of the ca",)


def make(settings: Settings, here: Surroundings) -> Certificates:
    """As the target names it."""
    _need_named(host(settings), here.pki_hosts)
    from rotation.sources.x509 import X509  # with its library, where certificates are made or tried

    server = Server(settings["address"], settings["ca"], settings["tls"], settings["namespace"])
    return Certificates(settings, server, here.target, here.needed_seconds, X509())


def _need_named(asked: str, hosts: Collection[str]) -> None:
    if not is_named(asked, hosts):
        named = ", ".join(sorted(hosts)) or "none"
        raise TargetInvalid(f"source.address {asked}: this stack asks for certificates only at {named} (parameter {HOSTS})")


class Certificates:
    """Of one target, at one role of one mount."""

    limit = None
    named = True
    dedicated = False

    def __init__(
        self,
        settings: Settings,
        server: Asked,
        target: str,
        needed_seconds: float,
        maker: Maker,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`needed_seconds`: for how long one that is taken into use has to be valid."""
        self._settings, self._server, self._target = settings, server, target
        self._needed, self._maker, self._now = needed_seconds, maker, now
        self._asked = asked_names(settings)
        self._sessions: dict[Credential, Session] = {}
        self._read: dict[str, About] = {}
        """What a certificate says never changes."""

    @property
    def _mount(self) -> str:
        return str(self._settings["mount"])

    @property
    def _name(self) -> str:
        return f"{self._server.name}, PKI {self._mount}"

    # To try one

    def logs_in(self, credential: Credential) -> bool:
        """A handshake with it succeeds, and the PKI that has signed it has not revoked it."""
        ours = own(self._maker, credential)
        if ours is None or not self._maker.shakes(credential.password, self._settings["authority"]):
            return False
        stored = self._stored(credential)
        if stored is None and self._now() - ours.begins > NEW_SECONDS:
            raise self._elsewhere(credential)
        return stored is not None and not stored.get("revocation_time")

    def refuses(self, credential: Credential) -> bool:
        """It is revoked, or over. What clients look at is their matter."""
        ours = own(self._maker, credential)
        if ours is None or ours.ends <= self._now():
            return True
        stored = self._stored(credential)
        if stored is not None:
            return bool(stored.get("revocation_time"))
        if self._maker.shakes(credential.password, self._settings["authority"]):
            raise self._elsewhere(credential)
        return True

    def _stored(self, credential: Credential) -> Mapping[str, Any] | None:
        """What the PKI has under that number, if it is that one."""
        found = self._looked_up(credential.username)
        ours, theirs = (list(each(text))[:1] for text in (credential.password.reveal(), str(found and found.get("certificate"))))
        return found if ours == theirs else None

    def _looked_up(self, number: str) -> Mapping[str, Any] | None:
        answer = self._server.ask("GET", f"{self._mount}/cert/{number}")
        if answer.ok:
            return answer.data
        if answer.status == 403:
            raise VaultDenied(f"{self._name}: cert/{number} is not shown, which everybody may ask a PKI for")
        self._need_mount(answer)
        return None

    def _elsewhere(self, credential: Credential) -> SourceRefused:
        return SourceRefused(
            f"{self._name} does not have the certificate {credential.username}, for which the target's authority vouches: another"
            " mount has signed it, or a role with no_store. Revoke it there by hand, and give the application one of this mount"
        )

    # As the admin

    def check(self, admin: Credential | None) -> None:
        """What the login may, and what the role and the authority allow."""
        self._need_allowed(admin)
        role = self._role(admin)
        about = self._ask(admin, "GET", f"sys/internal/ui/mounts/{self._mount}").data
        longest = (about.get("config") or {}).get("max_lease_ttl")
        wrong = list(unfit(role, self._settings, longest if isinstance(longest, int) else 0))
        if wrong:
            raise SourceRefused(f"{self._name}, role {self._settings['role']}: {'; '.join(wrong)}")
        self._need_issuer(str(role.get("issuer_ref") or "default"))

    def _need_allowed(self, admin: Credential | None) -> None:
        needs = {
            f"{self._mount}/roles/{self._settings['role']}": "read",
            f"{self._mount}/sign/{self._settings['role']}": "update",
            f"{self._mount}/certs": "list",
            f"{self._mount}/certs/revoked": "list",
            f"{self._mount}/revoke": "update",
        }
        said = self._ask(admin, "POST", "sys/capabilities-self", {"paths": list(needs)}).data
        lacking = [path for path, verb in needs.items() if not {verb, "root"} & set(said.get(path) or ())]
        if lacking:
            mend = " ".join(f'path "{path}" {{ capabilities = ["{needs[path]}"] }}' for path in lacking)
            raise VaultDenied(f"{self._name}: the policies of {self._settings['login']['method']} lack: {mend}")

    def _role(self, admin: Credential | None) -> Mapping[str, Any]:
        role = self._settings["role"]
        answer = self._ask(admin, "GET", f"{self._mount}/roles/{role}")
        if answer.ok:
            return answer.data
        kind = self._ask(admin, "GET", f"sys/internal/ui/mounts/{self._mount}").data.get("type")
        if kind != "pki":
            raise VaultMountMissing(f"{self._name}: what is mounted there is no PKI but {kind}: correct source.mount")
        raise SourceRefused(f"{self._name} has no role {role}: correct source.role, or make it (docs/certificates.md)")

    def _need_issuer(self, reference: str) -> None:
        chain = "cert/ca_chain" if reference == "default" else f"issuer/{reference}/json"
        answer = self._server.ask("GET", f"{self._mount}/{chain}")
        try:
            ends = self._maker.about(str(answer.data.get("certificate"))).ends
        except ValueError:
            raise SourceRefused(f"{self._name} has no certificate of its own to sign with ({reference})") from None
        left = ends - self._now()
        if left <= 0:
            raise SourceRefused(f"{self._name}: its own certificate has expired: give it another one")
        if left < self._settings["ttl_days"] * DAY:
            raise SourceRefused(
                f"{self._name}: its own certificate ends in {left // DAY:.0f} days, before one that it would sign now"
                f" (ttl_days {self._settings['ttl_days']}): give it another one"
            )

    def keys(self, admin: Credential | None) -> Sequence[Key]:
        """Those that are valid and not revoked, whoever's they are."""
        valid = self._listed(admin, "certs") - self._listed(admin, "certs/revoked")
        for number in sorted(valid - self._read.keys()):
            if len(self._read) >= MOST:
                raise SourceRefused(
                    f"{self._name} has {len(valid)} certificates, of which {MOST} can be looked at: have it tidy those that are"
                    " over (tidy_cert_store), or give the target a mount of its own"
                )
            found = self._looked_up(number)
            if found is not None:
                self._read[number] = self._maker.about(str(found.get("certificate")))
        listed = (self._read[number] for number in sorted(valid) if number in self._read)
        return [self._key(one) for one in listed if one.ends > self._now()]

    def _listed(self, admin: Credential | None, what: str) -> set[str]:
        """An empty list is none."""
        answer = self._ask(admin, "LIST", f"{self._mount}/{what}")
        found = answer.data.get("keys") if answer.ok else []
        if not isinstance(found, list) or answer.status == 400:
            raise SourceRefused(f"{self._name}: {what} cannot be listed (HTTP {answer.status})")
        return {str(one) for one in found}

    def _key(self, about: About) -> Key:
        now = self._now()
        name = next((uri.removeprefix(SCHEME) for uri in sorted(about.uris) if uri.startswith(SCHEME)), "")
        worn = about.ends - now < self._needed or not self._asked <= about.names
        return Key(about.serial, max(0.0, now - about.begins), None, True, name, about.ends - now, worn)

    def issue(self, admin: Credential | None, name: str) -> Credential:
        """Without an answer one may be signed: the list tells."""
        from rotation.sources.x509 import with_chain

        settings, uri = self._settings, f"{SCHEME}{name}"
        request = self._maker.request(settings, uri)
        asked = {
            "csr": request.text,
            "common_name": settings["common_name"],
            "alt_names": ",".join(settings["alt_names"]),
            "ip_sans": ",".join(settings["ip_sans"]),
            "uri_sans": uri,
            "ttl": f"{settings['ttl_days'] * DAY}s",
        }
        answer = self._ask(admin, "POST", f"{self._mount}/sign/{settings['role']}", asked)
        if not answer.ok:
            raise self._not_signed(answer)
        signed, chain = str(answer.data.get("certificate")), answer.data.get("ca_chain") or [answer.data.get("issuing_ca")]
        try:
            about = self._maker.about(signed)
            password = with_chain(self._maker, request.key, signed, [one for one in chain if one])
        except ValueError:
            raise SourceRefused(f"{self._name}: what it answers is no certificate") from None
        self._need_as_asked(admin, about, password, request.public, uri)
        return NO_KEY.with_login(about.serial, password)

    def _need_as_asked(self, admin: Credential | None, about: About, password: Password, public: bytes, uri: str) -> None:
        """One that is otherwise is of no use: it is revoked at once. One of another key is somebody else's."""
        if about.public != public:
            raise SourceRefused(f"{self._name}: what it answers is the certificate of another key ({about.serial}), and left alone")
        wrong = list(unlike(about, self._asked, self._now() + self._settings["ttl_days"] * DAY))
        if uri not in about.uris:
            wrong.append("without the URI by which ours are known")
        if not wrong and not self._maker.shakes(password, self._settings["authority"]):
            wrong.append("which a client refuses that trusts source.authority alone")
        if wrong:
            self.delete(admin, about.serial)
            raise SourceRefused(
                f"{self._name}, role {self._settings['role']}: it signs {', '.join(wrong)}: {about.serial} is revoked again"
            )

    def _not_signed(self, answer: Answer) -> Exception:
        why = f"HTTP {answer.status}"
        if answer.says(*_DENIED):
            why = "it does not allow one of the names that the target asks for"
        elif answer.says(*_TOO_LONG):
            why = "the authority ends before the certificate would"
        return SourceRefused(f"{self._name}, role {self._settings['role']} does not sign: {why}")

    def deactivate(self, admin: Credential | None, id: str) -> bool:  # noqa: A002, ARG002 - as the port has it
        """A revocation cannot be undone."""
        return False

    def delete(self, admin: Credential | None, id: str) -> None:  # noqa: A002 - as the port has it
        """It is revoked. One that is over, or that is not there any more, needs not be."""
        answer = self._ask(admin, "POST", f"{self._mount}/revoke", {"serial_number": id})
        if answer.ok:
            return
        found = self._looked_up(id)
        if found is None or found.get("revocation_time"):
            return
        if self._maker.about(str(found.get("certificate"))).ends > self._now():
            raise SourceRefused(f"{self._name} does not revoke {id} (HTTP {answer.status})")

    def _ask(self, admin: Credential | None, method: str, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        if admin is None:
            raise AdminLoginUnknown(f"{self._name}: no admin's secret is named, with which to log in")
        if admin not in self._sessions:
            self._sessions[admin] = Session(self._server, as_admin(self._settings["login"], admin))
        try:
            answer = self._sessions[admin].ask(method, path, body)
        except VaultLoginRefused as error:
            raise AdminLoginUnknown(str(error)) from None
        self._need_mount(answer)
        return answer

    def _need_mount(self, answer: Answer) -> None:
        if answer.says(NO_ROUTE):
            raise VaultMountMissing(f"{self._name}: nothing is mounted at {self._mount}: correct source.mount")
