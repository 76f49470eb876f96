"""What a role of a PKI allows, and what of it keeps a rotation from asking it for certificates. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rotation.sources.certificates import DAY, KEY_TYPES

if TYPE_CHECKING:
    from rotation.kinds.kind import Settings

SCHEME = "credential-rotation:"
"""With which a name begins that a certificate of ours carries among its own: a URI."""


def unfit(role: Mapping[str, Any], settings: Settings, longest_seconds: int) -> Iterator[str]:
    """Each with what mends it. `longest_seconds`: of the mount; 0 where it does not say."""
    for field, bad, why in _FLAGS:
        if role.get(field) is bad:
            yield f"{field} is {str(bad).lower()}: {why}: set it to {str(not bad).lower()}"
    if not _matches(f"{SCHEME}x", role.get("allowed_uri_sans")):
        yield f'no certificate may carry the name by which ours are known: add "{SCHEME}*" to allowed_uri_sans'
    yield from _other_key(role, settings["key"])
    longest = min((one for one in (_number(role.get("max_ttl")), longest_seconds) if one), default=0)
    if longest and longest < settings["ttl_days"] * DAY:
        yield f"certificates may last {longest // DAY} days, and ttl_days is {settings['ttl_days']}: raise max_ttl, or the mount's"
    refused = [name for name in (settings["common_name"], *settings["alt_names"]) if not allows(role, name)]
    if refused:
        yield f"{', '.join(refused)} is not among those that it allows: add it to allowed_domains"
    if settings["ip_sans"] and role.get("allow_ip_sans") is False:
        yield "allow_ip_sans is false, and the target names ip_sans"


_FLAGS = (
    ("no_store", True, "a certificate that was signed and lost could not be found, nor any revoked"),
    ("generate_lease", True, "a certificate is revoked when the token ends that asked for it"),
    ("server_flag", False, "its certificates are no servers', and could not be tried by a handshake"),
)


def allows(role: Mapping[str, Any], name: str) -> bool:
    """True too where only the PKI itself could say: of templates, and of what is not known here."""
    if role.get("allow_any_name") or role.get("allowed_domains_template") or role.get("allow_token_displayname"):
        return True
    if name == "localhost" and role.get("allow_localhost"):
        return True
    plain = name.removeprefix("*.")
    if plain != name and role.get("allow_wildcard_certificates") is False:
        return False
    return any(_under(role, str(domain).lower(), name, plain) for domain in role.get("allowed_domains") or [])


def _under(role: Mapping[str, Any], domain: str, name: str, plain: str) -> bool:
    if role.get("allow_glob_domains") and "*" in domain and fnmatchcase(name, domain):
        return True
    if role.get("allow_bare_domains") and name == domain:
        return True
    return bool(role.get("allow_subdomains")) and (plain.endswith(f".{domain}") or (plain == domain and plain != name))


def _other_key(role: Mapping[str, Any], wanted: str) -> Iterator[str]:
    kind, bits = KEY_TYPES[wanted]
    if role.get("key_type", "any") not in ("any", kind):
        yield f"it takes {role['key_type']} keys, and the target says key: {wanted}"
    elif role.get("key_type", "any") == kind and _number(role.get("key_bits")) not in (0, bits):
        yield f"it takes keys of {role['key_bits']} bits, and the target says key: {wanted}"


def _matches(uri: str, allowed: object) -> bool:
    return isinstance(allowed, list) and any(fnmatchcase(uri, str(one)) for one in allowed)


def _number(said: object) -> int:
    return said if isinstance(said, int) else 0
