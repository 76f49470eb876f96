"""A server whose certificate the PKI of a real OpenBao signs: the local AWS, a path of the OpenBao and a secret of Secrets Manager,
from both of which it could read the certificate, and the shipped template."""

from __future__ import annotations

import json
from typing import Any

from rotation.core.certificate import bundle, parts, serial
from rotation.core.model import Password

from local.certified.served import OTHERS, Served, entry
from local.certified.server import Server
from local.login import Login
from local.vault import pki, policies
from local.vault.policies import MOUNT, READS, WRITES, AppRole
from local.vault.server import OpenBao

PATH, TTL_DAYS = "shop/tls", 40
FORMS = {"tls.crt": "{certificate}", "tls.key": "{key}"}


class Certified(Served):
    """`with Certified() as shop:` it shows a certificate that a person had issued."""

    admin_secret = "shop/pki-login"
    login_secret, reader_secret = "shop/vault-login", "shop/vault-reader"
    vault: OpenBao

    def _start(self) -> None:
        self.aws = self._start_aws()
        self.vault = self._ended.enter_context(OpenBao(self.directory / "vault", self.environment))
        self.authority = pki.mount(self.vault)
        pki.role(self.vault)
        issuer = pki.login(self.vault)
        first = self.issue()
        policies.mount(self.vault)
        policies.write(self.vault, PATH, {**OTHERS, **written(first)})
        writer, looker = (policies.role(self.vault, name, PATH, policy) for name, policy in (("writer", WRITES), ("looker", READS)))
        login = self._create_secret(self.login_secret, {"secret_id": writer.secret_id})
        read = self._create_secret(self.reader_secret, {"secret_id": looker.secret_id})
        self.application = self._create_secret(self.application_secret, {**OTHERS, **entry(first)})
        self.server = self._ended.enter_context(Server(lambda: held_in(self.in_path()), self._cache / 2))
        admin = {"username": issuer.role_id, "password": issuer.secret_id}
        self._given = {
            **self._parameters(first, admin, self.application),
            "OtherSource": json.dumps(self._source()),
            "PkiHosts": f"127.0.0.1:{self.vault.port}",
            "VaultLoginSecretArn": login,
            "VaultReaderSecretArn": read,
            "OtherConsumers": json.dumps(self._in_vault(writer, login, looker, read)),
        }
        if not self.by_hand:
            self.deploy()

    def _source(self) -> dict[str, Any]:
        return {
            "kind": "certificate",
            "address": self.vault.address,
            "ca": self.vault.ca_pem,
            "role": pki.ROLE,
            "authority": self.authority,
            "common_name": pki.DOMAIN,
            "ip_sans": ["127.0.0.1"],
            "ttl_days": TTL_DAYS,
        }

    def _in_vault(self, writer: AppRole, login: str, looker: AppRole, read: str) -> dict[str, Any]:
        return {
            "kind": "vault-kv",
            "address": self.vault.address,
            "ca": self.vault.ca_pem,
            "mount": MOUNT,
            "path": PATH,
            "keys": FORMS,
            "login": {"method": "approle", "role": writer.role_id, "secret": login},
            "reader": {"method": "approle", "role": looker.role_id, "secret": read},
            "application_cache_seconds": self._cache,
        }

    # What a person, the server or a test does and sees

    @property
    def page(self) -> str:
        return f"https://127.0.0.1:{self.server.port}/"

    def issue(self) -> Login:
        """As a person has one issued."""
        asked = {"common_name": pki.DOMAIN, "ip_sans": "127.0.0.1", "ttl": f"{TTL_DAYS * 24}h"}
        made = self.vault.asks("POST", f"{pki.MOUNT}/issue/{pki.ROLE}", asked)["data"]
        held = bundle(f"{made['certificate']}\n{made['issuing_ca']}", Password(made["private_key"]))
        return Login(made["serial_number"], held.reveal())

    def valid(self) -> dict[str, str]:
        """The serial numbers that are not revoked, each with the URI in it."""
        from cryptography import x509

        found = {}
        for number in self.vault.asks("LIST", f"{pki.MOUNT}/certs")["data"]["keys"]:
            said = self.vault.asks("GET", f"{pki.MOUNT}/cert/{number}")["data"]
            if not said["revocation_time"]:
                names = x509.load_pem_x509_certificate(said["certificate"].encode()).extensions
                san = names.get_extension_for_class(x509.SubjectAlternativeName).value
                found[number] = ",".join(san.get_values_for_type(x509.UniformResourceIdentifier))
        return found

    def revoked_list(self) -> str:
        """As clients read it."""
        text: str = self.vault.asks("GET", f"{pki.MOUNT}/cert/crl")["data"]["certificate"]
        return text

    def in_path(self) -> dict[str, Any]:
        found: dict[str, Any] = self.vault.asks("GET", f"{MOUNT}/data/{PATH}")["data"]["data"]
        return found

    def readable(self) -> list[Login]:
        """Every version of the path that somebody could still read, the oldest first."""
        versions = self.vault.asks("GET", f"{MOUNT}/metadata/{PATH}")["data"]["versions"]
        kept = sorted(int(number) for number, about in versions.items() if not about["destroyed"])
        return [held_in(self.vault.asks("GET", f"{MOUNT}/data/{PATH}?version={number}")["data"]["data"]) for number in kept]

    @property
    def secret_names(self) -> tuple[str, ...]:
        return (self.slot_secret, self.admin_secret, self.application_secret, self.login_secret, self.reader_secret)

    def versions(self) -> dict[str, str]:
        return {"OpenBao": self.vault.version()}

    def held(self) -> dict[str, Login]:
        return {"the Vault's path": held_in(self.in_path()), "the application's secret": self.used}

    def accepts(self, user: str, password: str) -> bool:  # noqa: ARG002 - by its number
        """Whether it is valid, as far as the PKI says."""
        return user in self.valid()


def written(key: Login) -> dict[str, str]:
    """As the server reads it."""
    certificate, private = parts(Password(key.password))
    return {"tls.crt": certificate, "tls.key": private.reveal()}


def held_in(content: dict[str, Any]) -> Login:
    return Login(serial(content["tls.crt"]), bundle(content["tls.crt"], Password(content["tls.key"])).reveal())
