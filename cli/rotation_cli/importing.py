"""`targets add --from-secret`: the record and the target of an application, made from the secret that it reads.

Nothing is stored before a person has seen it. What is there already is left as it is, so it can be done again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rotation.consumers.app_secret import imported, shape
from rotation.consumers.app_secret.imported import Imported
from rotation.consumers.app_secret.shape import Application
from rotation.core.errors import RotationError, SecretInvalid, TargetNotFound
from rotation.core.model import Credential, Password, SecretText
from rotation.core.passwords import slot_password
from rotation.core.record import Record
from rotation.kinds import registry
from rotation.kinds.documents import rotated_by
from rotation.kinds.target import Target, parse_target, secrets_named

from rotation_cli.stack import Stack
from rotation_cli.trouble import Trouble


@dataclass(frozen=True)
class Plan:
    """What would be stored; what is not is there already."""

    target: Target
    document: str
    made: Imported
    adds_target: bool
    puts_record: bool

    @property
    def lines(self) -> Iterator[str]:
        """For people: no password is in it."""
        yield f"target {self.target.name}: {'new' if self.adds_target else 'there already, left as it is'}"
        if self.adds_target:
            yield self.document
        yield f"record {self.target.slot_secret}: {'new' if self.puts_record else 'there already, left as it is'}"
        for one in self.made.entries if self.puts_record else ():
            user = one.credential
            place = f"{user.username} at {user.host}:{user.port}/{user.dbname}"
            yield f"  {one.slot}: {place}{', in use' if one.slot is self.made.active else ''}; password {one.origin}"


def plan(stack: Stack, secret: str, name: str | None, users: Sequence[str]) -> Plan:
    """Looked at, nothing stored. Trouble, with the way out, where it cannot be made."""
    parameters = stack.parameters()
    try:
        return _plan(stack, parameters, secret, name, users)
    except RotationError as error:
        raise Trouble(str(error)) from None
    except KeyError as error:
        raise Trouble(f"the stack {stack.name} has no parameter {error}: --stack must name one made from this template") from None


def store(stack: Stack, what: Plan) -> None:
    """The record first: a target without one could not rotate."""
    if what.puts_record:
        stack.put_secret(what.target.slot_secret, what.made.record.text())
    if what.adds_target:
        stack.add_target(what.target.name, what.document)


def _plan(stack: Stack, parameters: Mapping[str, str], secret: str, name: str | None, users: Sequence[str]) -> Plan:
    arn, text = stack.secret(secret, "--from-secret")
    kind = parameters["SourceKind"]
    application = _application(arn, text, users, registry.source(kind).port)
    proxies = _proxies(stack, arn, application)
    made = imported.imported(arn, application, proxies, _keeps_two(arn, application, kind), slot_password)
    target, document = _there(stack, arn, {arn, *proxies}), ""
    adds = target is None
    if target is None:
        name = name or arn.rsplit(":", 1)[-1].rsplit("-", 1)[0].rsplit("/", 1)[-1].lower()
        document = json.dumps(imported.document(arn, proxies, parameters), indent=2)
        target = parse_target(name, document)
    elif name not in (None, target.name):
        raise Trouble(f"--name {name}: {arn} moves the traffic of {target.name} already: leave the option out")
    return Plan(target, document, made, adds, _puts_record(stack, target, made))


def _application(arn: str, text: SecretText | None, users: Sequence[str], port: int) -> Application:
    if text is None:
        raise Trouble(f"--from-secret: {arn} holds nothing yet: put the login that the application uses")
    application = shape.read(text, arn, port)
    if not users:
        return application
    if application.users != (application.login.username,):
        raise Trouble(f"--user: rotation_usernames of {arn} says already who takes turns: leave the option out")
    named = (application.login.username, *(user for user in users if user != application.login.username))
    if len(set(named)) != len(named) or not all(user.strip() for user in named):
        raise Trouble("--user: one is empty, or there twice: name each user once")
    return replace(application, users=named)


def _keeps_two(arn: str, application: Application, kind: str) -> bool:
    """Whether one user may have two passwords there. The engine that the secret names has to be what the stack rotates."""
    engines = registry.source(kind).engines
    if application.engine and application.engine not in engines:
        fitting = [other for other in registry.SOURCES if application.engine in registry.source(other).engines]
        databases = [other for other in registry.SOURCES if registry.source(other).engines]
        out = f"deploy it with SourceKind={fitting[0]}" if fitting else f"{', '.join(databases)} can be rotated"
        raise Trouble(f"secret {arn}: engine is another than the stack's {kind} (parameter SourceKind): {out}, or correct engine")
    return engines.get(application.engine, any(engines.values()))


def _proxies(stack: Stack, arn: str, application: Application) -> dict[str, Credential]:
    """Who is in each of the proxy's secrets, by its whole ARN."""
    found: dict[str, Credential] = {}
    for place, named in enumerate(application.proxies):
        field = f"proxy_secret_ids[{place}]"
        own, text = stack.secret(named, f"{field} of {arn}")
        if own == arn:
            raise Trouble(f"{field} of {arn} is the application's own secret: name the one that the proxy reads")
        if own in found:
            raise Trouble(f"{field} of {arn} is there before: name each once")
        found[own] = _login(field, own, text)
    return found


def _login(field: str, arn: str, text: SecretText | None) -> Credential:
    try:
        raw = json.loads(text.reveal()) if text else None
    except ValueError:
        raw = None
    if not isinstance(raw, dict) or not all(isinstance(raw.get(key), str) and raw[key] for key in ("username", "password")):
        raise Trouble(f"{field}: {arn} holds no username and password: put both, as the proxy wants them")
    return Credential(raw["username"], Password(raw["password"]), "", None, "")


def _there(stack: Stack, arn: str, secrets: set[str]) -> Target | None:
    """The target whose traffic that secret moves already."""
    documents = stack.targets()
    try:
        target = rotated_by(arn, documents)
    except TargetNotFound:
        return None
    named = {one for field, one in secrets_named(json.loads(documents[target.name])) if field.startswith("consumers")}
    if named != secrets:
        different = ", ".join(sorted(named ^ secrets))
        raise Trouble(
            f"proxy_secret_ids of {arn} and target {target.name} do not name the same secrets ({different}):"
            " deploy the stack with ProxySecretArns as the secret says, or correct the secret"
        )
    return target


def _puts_record(stack: Stack, target: Target, made: Imported) -> bool:
    """Whether there is none yet. What is there and is no record of these users is somebody's, and stays."""
    arn, text = stack.secret(target.slot_secret, f"slot_secret of {target.name}")
    if text is None or text.reveal().strip() in ("", "{}"):
        return True
    out = "name an empty secret (parameter SlotSecretArn), or put {} into this one"
    try:
        record = Record.parse(text, arn)
    except SecretInvalid:
        raise Trouble(f"slot_secret: {arn} holds something that is no record: {out}") from None
    if not made.is_made_by(record):
        raise Trouble(f"slot_secret: {arn} holds a record of other users, or of another database: {out}")
    return False
