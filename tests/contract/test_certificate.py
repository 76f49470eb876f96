"""The adapter of `certificate` on the PKI of a real OpenBao; and the small world's, which keeps the same promises."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rotation.core.certificate import each, parts
from rotation.core.errors import (
    AdminLoginUnknown,
    RotationError,
    SourceRefused,
    TargetInvalid,
    VaultDenied,
    VaultMountMissing,
    VaultSealed,
    VaultUntrusted,
)
from rotation.core.model import Credential, Password
from rotation.ports import Surroundings
from rotation.sources.certificate import adapter
from rotation.sources.certificate.adapter import DAY, make
from rotation.vault.server import Answer

from local.certificates import Authority
from local.vault import pki
from local.vault.server import OpenBao
from tests.conformance.keys import At, Provider
from tests.contract.certificates import AsAdmin, Here
from tests.contract.raised import raised
from tests.worlds.certified import Certified, CertifiedWorld

NAME = "rotation.shop.0.1"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with OpenBao(tmp_path_factory.mktemp("certificates") / "vault", {}) as vault:
        yield vault


@pytest.fixture
def here(vault: OpenBao) -> Here:
    return Here(vault)


def raises(kind: type[RotationError], *words: str) -> AbstractContextManager[None]:
    """That error and no other; neither a key nor what the Vault said is in it or in its traceback."""
    return raised(kind, words, never=("PRIVATE", "1 error occurred", "canary"))


class TestOpenBao(Provider):
    @pytest.fixture
    def at(self, here: Here) -> At:
        provider = here.as_admin()
        return At(provider, provider.issue(None, "first"))


class TestSmallWorld(Provider):
    @pytest.fixture(params=[0.0, 3.0])
    def at(self, request: pytest.FixtureRequest) -> At:
        world = CertifiedWorld(request.param)
        world.source.kept = world.source.kept._replace(there=world.source.kept.there[:1])
        it: Any = SimpleNamespace(
            world=world, note=lambda act: act(), call=lambda _, __, act: act(), seen=SimpleNamespace(issued=set(), proven=set())
        )
        return At(Certified(it, cast("Any", world.source)), world.first, lambda: world.pass_time(request.param))


class Recorded:
    """The server, and all that it was sent."""

    def __init__(self, server: Any) -> None:
        self._server, self.name = server, server.name
        self.sent: list[str] = []

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, token: str = "", version: int = 0) -> Answer:
        self.sent.append(f"{method} {path} {json.dumps(body)}")
        answer: Answer = self._server.ask(method, path, body, token=token, version=version)
        return answer


def test_the_private_key_is_sent_nowhere(here: Here) -> None:
    source = here.source()
    recorded = Recorded(source._server)
    source._server = recorded
    key = source.issue(here.admin, NAME)
    assert source.logs_in(key)
    source.keys(here.admin)
    source.delete(here.admin, key.username)
    secret = "".join(parts(key.password)[1].reveal().splitlines()[1:-1])
    assert len(recorded.sent) > 5
    assert not [one for one in recorded.sent if "PRIVATE" in one or secret[:40] in one]


def test_a_certificate_is_what_a_server_shows(here: Here) -> None:
    """With those that vouch for it, but for the root, whom clients know."""
    key = here.as_admin().issue(None, NAME)
    certificate, private = parts(key.password)
    assert len(list(each(certificate))) == 2
    assert private.reveal().startswith("-----BEGIN PRIVATE KEY-----\n")


@pytest.mark.parametrize("sort", ["ec-p384", "rsa-2048"])
def test_other_sorts_of_keys(vault: OpenBao, sort: str) -> None:
    at = Here(vault, {"key_type": "any"}).as_admin(key=sort)
    at.check(None)
    assert at.logs_in(at.issue(None, NAME))


def test_what_is_revoked_is_on_the_list_that_clients_read(here: Here) -> None:
    at = here.as_admin()
    old, new = at.issue(None, NAME), at.issue(None, f"{NAME}.2")
    at.delete(None, old.username)
    assert (here.revoked(old), here.revoked(new)) == (True, False)
    assert (at.refuses(old), at.refuses(new)) == (True, False)


def test_what_another_made_at_the_same_role_is_listed_without_a_name_of_ours(here: Here) -> None:
    at, theirs = here.as_admin(), here.as_admin()
    theirs.issue(None, "theirs")
    made = here.vault.asks("POST", f"{here.mount}/issue/{pki.ROLE}", {"common_name": pki.DOMAIN})["data"]["serial_number"]
    assert {key.id: key.name for key in at.keys(None)}[made] == ""


def test_a_client_that_trusts_another_refuses_it(here: Here) -> None:
    key = here.as_admin().issue(None, NAME)
    assert not here.as_admin(authority=Authority("another").pem).logs_in(key)


def test_a_certificate_with_another_key_is_refused(here: Here) -> None:
    at = here.as_admin()
    one, other = at.issue(None, NAME), at.issue(None, f"{NAME}.2")
    mixed = Password(parts(one.password)[0] + parts(other.password)[1].reveal())
    assert not at.logs_in(replace(one, password=mixed))


def test_one_that_is_over_is_refused_and_not_listed(here: Here) -> None:
    source = here.source()
    key = source.issue(here.admin, NAME)
    later = time.time() + 41 * DAY
    source._now = lambda: later
    assert source.refuses(key)
    assert source.keys(here.admin) == []


def test_one_that_ends_before_the_next_rotation_is_worn_and_so_is_one_of_other_names(here: Here) -> None:
    here.as_admin().issue(None, NAME)
    assert [key.worn for key in here.as_admin().keys(None)] == [False]
    assert [key.worn for key in here.as_admin(alt_names=[f"other.{pki.DOMAIN}"]).keys(None)] == [True]
    source = here.source()
    source._needed = 41 * DAY
    assert [key.worn for key in source.keys(here.admin)] == [True]


def test_what_another_mount_of_the_same_authority_has_signed_is_said_and_not_taken_for_revoked(vault: OpenBao, here: Here) -> None:
    stored_nowhere = Here(vault, {"no_store": True})
    key = stored_nowhere.source().issue(stored_nowhere.admin, NAME)
    source = stored_nowhere.source()
    source._now = lambda: time.time() + 3600
    with raises(SourceRefused, "does not have the certificate", key.username):
        source.logs_in(key)
    with raises(SourceRefused, "does not have the certificate"):
        source.refuses(key)


# ---- what keeps us from it -----------------------------------------------------------------------------------------------------


UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "it stores none": ({"no_store": True}, "no_store"),
    "they end with a token": ({"generate_lease": True}, "generate_lease"),
    "they are no servers'": ({"server_flag": False}, "server_flag"),
    "they carry no URI": ({"allowed_uri_sans": ""}, "credential-rotation:*"),
    "another URI": ({"allowed_uri_sans": "spiffe://*"}, "credential-rotation:*"),
    "another sort of key": ({"key_type": "rsa"}, "rsa keys"),
    "too short": ({"max_ttl": "240h"}, "may last 10 days"),
    "another name": ({"allowed_domains": "other.example"}, "shop.example is not among those"),
    "no name below it": ({"allow_subdomains": False}, "www.shop.example is not among those"),
    "no addresses": ({"allow_ip_sans": False}, "allow_ip_sans"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_a_role_that_is_unfit_is_refused_before_and_what_mends_it_is_said(vault: OpenBao, what: str) -> None:
    more, words = UNFIT[what]
    with raises(SourceRefused, words):
        Here(vault, more).as_admin().check(None)


@pytest.mark.parametrize("what", ["too short", "another name", "they carry no URI", "another URI", "no name below it"])
def test_what_it_refuses_or_signs_otherwise_is_of_no_use(vault: OpenBao, what: str) -> None:
    """Where the role was changed after it was looked at. Nothing is left of it."""
    here = Here(vault, UNFIT[what][0])
    with raises(SourceRefused, f"role {pki.ROLE}"):
        here.as_admin().issue(None, NAME)
    assert here.as_admin().keys(None) == []


def test_an_answer_with_somebody_else_s_certificate_is_refused_and_that_is_left_alone(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = here.source()
    theirs = source.issue(here.admin, "theirs")
    answer = Answer(200, {"data": {"certificate": parts(theirs.password)[0]}})
    monkeypatch.setattr(source, "_ask", lambda *_: answer)
    with raises(SourceRefused, "of another key", theirs.username):
        source.issue(here.admin, NAME)
    assert here.as_admin().logs_in(theirs)


def test_an_authority_that_the_clients_do_not_trust_is_found_before_anybody_gets_its_certificate(here: Here) -> None:
    with raises(SourceRefused, "a client refuses"):
        here.as_admin(authority=Authority("another").pem).issue(None, NAME)
    assert here.as_admin().keys(None) == []


def test_an_authority_that_ends_sooner(vault: OpenBao) -> None:
    here = Here(vault, hours=48)
    with raises(SourceRefused, "ends in 1 days"):
        here.as_admin().check(None)
    with raises(SourceRefused):
        here.as_admin().issue(None, NAME)


def test_an_authority_that_has_ended(here: Here) -> None:
    source = here.source()
    source._now = lambda: time.time() + 43_900 * 3600
    with raises(SourceRefused, "has expired"):
        source.check(here.admin)


def test_no_authority_yet(vault: OpenBao, here: Here) -> None:
    vault.asks("POST", "sys/mounts/fresh", {"type": "pki", "config": {"max_lease_ttl": "87600h"}})
    pki.role(vault, name="fresh")
    at = AsAdmin(here.source(mount="fresh"), replace_policy(here, "fresh"))
    with raises(SourceRefused, "no certificate of its own"):
        at.check(None)


def replace_policy(here: Here, mount: str, role: str = pki.ROLE) -> Credential:
    given = pki.login(here.vault, f"of-{mount}-{role}", of=role, name=mount)
    return Credential(given.role_id, Password(given.secret_id), "", None, "")


def test_a_role_may_name_who_signs(vault: OpenBao, here: Here) -> None:
    found = vault.asks("LIST", f"{here.mount}/issuers")["data"]["key_info"]
    (signs,) = [one for one, about in found.items() if about["is_default"]]
    pki.role(vault, name=here.mount, issuer_ref=signs)
    at = here.as_admin()
    at.check(None)
    assert at.logs_in(at.issue(None, NAME))


def test_a_mount_that_is_none(here: Here) -> None:
    with raises(VaultMountMissing, "nothing is mounted at nowhere"):
        AsAdmin(here.source(mount="nowhere"), replace_policy(here, "nowhere")).check(None)


def test_a_mount_of_something_else(vault: OpenBao, here: Here) -> None:
    with suppress(RuntimeError):
        vault.asks("POST", "sys/mounts/keyvalue", {"type": "kv", "options": {"version": "2"}})
    with raises(VaultMountMissing, "no PKI but kv"):
        AsAdmin(here.source(mount="keyvalue"), replace_policy(here, "keyvalue")).check(None)


def test_a_role_that_is_none(here: Here) -> None:
    with raises(SourceRefused, "has no role nobody"):
        AsAdmin(here.source(role="nobody"), replace_policy(here, here.mount, "nobody")).check(None)


def test_what_its_policy_lacks_is_named(here: Here) -> None:
    admin = here.admin_with(pki.POLICY.replace('path "{mount}/revoke"', 'path "{mount}/other"'))
    with raises(VaultDenied, f'path "{here.mount}/revoke" {{ capabilities = ["update"] }}'):
        here.source().check(admin)


def test_a_login_that_is_refused_is_the_admin_s(here: Here) -> None:
    with raises(AdminLoginUnknown, "refuses the login at approle"):
        here.source().keys(replace(here.admin, password=Password("no secret id")))
    with raises(AdminLoginUnknown, "no admin's secret"):
        here.source().keys(None)


def test_a_vault_that_another_vouches_for(here: Here) -> None:
    with raises(VaultUntrusted, "ca vouches for"):
        here.as_admin(ca=Authority("another").pem).check(None)


def test_a_host_that_the_stack_does_not_name(here: Here) -> None:
    with raises(TargetInvalid, "PkiHosts", "vault.example"):
        make(here.settings(), Surroundings("shop", "", pki_hosts=frozenset(["vault.example"])))


def test_more_than_can_be_looked_at(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    at = here.as_admin()
    for number in range(3):
        at.issue(None, f"{NAME}.{number}")
    monkeypatch.setattr(adapter, "MOST", 2)
    with raises(SourceRefused, "has 3 certificates, of which 2"):
        at.keys(None)


def test_what_cannot_be_revoked_is_said(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    source = here.source()
    key = source.issue(here.admin, NAME)
    monkeypatch.setattr(source, "_ask", lambda *_: Answer(400, {"errors": ["canary"]}))
    with raises(SourceRefused, f"does not revoke {key.username}"):
        source.delete(here.admin, key.username)


def test_one_that_is_sealed_is_waited_for(tmp_path: Any) -> None:
    with OpenBao(tmp_path / "vault", {}) as vault:
        here = Here(vault)
        at = here.as_admin()
        key = at.issue(None, NAME)
        vault.seal()
        for act in (lambda: at.check(None), lambda: at.keys(None), lambda: at.logs_in(key), lambda: at.refuses(key)):
            with raises(VaultSealed, "unseal it"):
                act()
        vault.unseal()
        assert at.logs_in(key)
