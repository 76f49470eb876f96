"""The commands and their options. Each asks the stack, and tells; what is true and what to do comes from the runbook."""

import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rotation.core.model import Mode
from rotation.fleet.holds import Hold
from rotation.kinds import registry
from rotation.told.failures import as_object
from rotation.told.history import RUNNING
from rotation.told.runbook import Urgency

from rotation_cli import (
    DISTRIBUTION,
    by_hand,
    documents,
    fleet_page,
    fleet_telling,
    importing,
    reporting,
    screen,
    telling,
    trying,
)
from rotation_cli.aws import Aws
from rotation_cli.documents import end_as_json, run_as_json, status_as_json
from rotation_cli.fleets import FleetRun, Fleets
from rotation_cli.following import follow
from rotation_cli.history import Run
from rotation_cli.stack import EXECUTION_NAME, Stack
from rotation_cli.standing import look
from rotation_cli.targets import Change, do, edition, parsed, removal
from rotation_cli.targets import check as check_target
from rotation_cli.trouble import Trouble
from rotation_cli.words import exact, moment

REVOKE = "revoke"
EXIT_CODES = {Urgency.NOTHING: 0, Urgency.LOOK: 1, Urgency.PAGE: 3}
BAD_INPUT = 2
INTERRUPTED = 130
TARGET_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PASS = click.make_pass_decorator(Stack)
CONTRACTS = [kind for kind in registry.CONSUMERS if registry.consumer(kind).contract()]
"""Kinds that somebody else's code is a part of."""
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, for another program.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option(
    "--stack",
    default="credential-rotation",
    envvar="ROTATION_STACK",
    show_default=True,
    show_envvar=True,
    help="Name of the stack.",
)
@click.option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS region; else AWS_REGION's or the profile's.")
@click.option("--profile", help="AWS profile; else AWS_PROFILE.")
@click.version_option(package_name=DISTRIBUTION)
@click.pass_context
def rotation(context: click.Context, stack: str, region: str | None, profile: str | None) -> None:
    """Start, follow and explain rotations of database credentials, and report on them.

    Works against AWS, and against whatever AWS_ENDPOINT_URL names.
    Exit codes: 0 nothing is asked of anybody; 1 somebody should look; 2 it was asked for wrongly, or is not permitted;
    3 somebody is needed now; 130 it was ended by Ctrl-C.
    """
    context.obj = Stack(Aws(region, profile), stack)


@rotation.command()
@click.option(
    "--mode", type=click.Choice([mode.value for mode in Mode]), default=Mode.ROTATE.value, show_default=True, help="What to do."
)
@click.option("--target", help="Name of a target; else the stack's default.")
@click.option("--reason", default="", help="Why, for the record. For revoke: the incident.")
@click.option("--name", help="The execution's name; else one that says the mode and the time.")
@click.option("--follow", "following", is_flag=True, help="Show its steps until it ends; the exit code then says how it ended.")
@click.option("--yes", is_flag=True, help="Do not ask before revoke.")
@PASS
def start(stack: Stack, mode: str, target: str | None, reason: str, name: str | None, following: bool, yes: bool) -> int:  # noqa: PLR0913 - click hands them in so
    """Start an execution."""
    if mode == REVOKE and not reason:
        raise Trouble("revoke is for a credential that is compromised: give the incident with --reason")
    if name is not None and not EXECUTION_NAME.fullmatch(name):
        raise Trouble(f"{name!r} cannot be an execution's name: up to 80 letters, digits, - and _")
    if target is not None:
        stack.target(target)
    if mode == REVOKE and not yes:
        _confirm(
            f"Stack {stack.name}, account {stack.caller.account}, {stack.aws.region}: replace the passwords of all users of "
            f"{target or 'the default target'} and the admin's now, and end the old users' sessions?",
            REVOKE,
        )
    given = {"mode": mode, "reason": reason, "started_by": stack.caller.arn} | ({"target": target} if target else {})
    arn = stack.start(name or f"{mode}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", given)
    click.echo(arn)
    return _followed(stack, arn) if following else 0


@rotation.command("follow")
@click.argument("execution", required=False)
@JSON
@PASS
def follow_one(stack: Stack, execution: str | None, as_json: bool) -> int:
    """Show the steps of EXECUTION (name or ARN) until it ends; without a name, of the one that runs."""
    arn = stack.execution_arn(execution) if execution else _only_one(stack)
    return _followed(stack, arn, as_json)


@rotation.command()
@click.option("--asking", is_flag=True, help="Only the targets that ask for somebody.")
@JSON
@PASS
def status(stack: Stack, asking: bool, as_json: bool) -> int:
    """Whether the schedule is on, what runs now; of each target the last result, when the next is due, what asks for somebody."""
    now = datetime.now(UTC)
    stands = look(stack, now).by_need(asking=asking)
    if as_json:
        screen.as_json(status_as_json(stack, stands, now))
    else:
        telling.tell_status(stack, stands, now)
    return int(bool(stands.asks))


@rotation.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many, the newest first.")
@JSON
@PASS
def history(stack: Stack, limit: int, as_json: bool) -> int:
    """Past executions, of the ninety days that Step Functions keeps; `report` goes further back."""
    now, runs = datetime.now(UTC), stack.latest(limit)
    if as_json:
        screen.as_json([run_as_json(run, now) for run in runs])
    else:
        telling.tell_history(runs, now)
    return 0


@rotation.command()
@click.argument("execution", required=False)
@JSON
@PASS
def explain(stack: Stack, execution: str | None, as_json: bool) -> int:
    """What happened in EXECUTION (name or ARN), what is true now, what to do; without a name, in the latest one."""
    now = datetime.now(UTC)
    run = stack.run(stack.execution_arn(execution)) if execution else _latest(stack)
    if as_json:
        screen.as_json(end_as_json(run, now))
    else:
        telling.tell_run(run, now)
    return exit_code(run)


@rotation.command("contract")
@click.argument("kind", type=click.Choice(CONTRACTS))
def show_contract(kind: str) -> int:
    """What a function of your own is asked as a consumer of KIND, and is to answer: JSON Schemas. Asks nobody."""
    screen.as_json({file: json.loads(text) for file, text in registry.consumer(kind).contract().items()})
    return 0


@rotation.group()
def targets() -> None:
    """The target documents of the stack: what is rotated, and for whom."""


@targets.command("list")
@JSON
@PASS
def list_targets(stack: Stack, as_json: bool) -> int:
    """All of them."""
    found = stack.targets()
    if as_json:
        screen.as_json({name: documents.as_document(text) for name, text in found.items()})
    else:
        telling.tell_targets(found, stack.own_target())
    return 0


@targets.command()
@click.argument("name")
@click.option("--file", type=click.Path(path_type=Path), help="Check the document in this file, in the place of the stored one.")
@click.option("--try", "tried", is_flag=True, help="Also try a provider's API, or a function of your own.")
@PASS
def check(stack: Stack, name: str, file: Path | None, *, tried: bool) -> int:
    """Whether target NAME fits the schema, and lies within what this stack reaches."""
    target = parsed(name, _text_of(file) if file else stack.target(name))
    _say_all(check_target(stack, target))
    click.echo(
        f"{name}: fits the schema; its secrets, cluster, namespace and objects are those that this stack reaches, and no other"
        " target's"
    )
    return telling.tell_findings(trying.findings(stack, target)) if tried else 0


@targets.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--name", help="The target's name; else the file's without its extension, or the secret's.")
@click.option("--from-secret", "secret", metavar="ARN", help="Make record and target from the secret that the application reads.")
@click.option("--user", "users", multiple=True, help="With --from-secret: a user that takes turns, if the secret names none.")
@click.option("--dry-run", "dry", is_flag=True, help="With --from-secret: show what would be stored, and store nothing.")
@click.option("--yes", is_flag=True, help="With --from-secret: do not ask before it is stored.")
@PASS
def add(stack: Stack, /, file: Path | None, name: str | None, secret: str | None, **more: Any) -> int:
    """Add the target document in FILE, or make one from the secret that an application reads.

    Refused if the stack's roles, file system or cluster do not reach what it names, or if another target has the same user,
    file or key.
    """
    if (file is None) == (secret is None):
        raise Trouble("give either a file with the target document, or --from-secret with the application's secret")
    if secret is not None:
        return _add_from(stack, secret, name, **more)
    return _add_file(stack, Path(str(file)), name)


def _add_from(stack: Stack, secret: str, name: str | None, *, users: Sequence[str], dry: bool, yes: bool) -> int:
    made = importing.plan(stack, secret, name, users)
    _check_name(made.target.name)
    _say_all(check_target(stack, made.target, made.made.record))
    for line in made.lines:
        click.echo(line)
    if dry or not (made.puts_record or made.adds_target):
        click.echo("nothing was stored" if dry else "all of it is there already: there is nothing to store")
        return 0
    if not yes:
        _confirm("Store it?", "targets add --from-secret")
    importing.store(stack, made)
    return _told(made.target.name, "stored")


def _add_file(stack: Stack, file: Path, name: str | None) -> int:
    name = name or file.stem
    _check_name(name)
    text = _text_of(file)
    said = check_target(stack, parsed(name, text))
    stack.add_target(name, text)
    _say_all(said)
    return _told(name, "added")


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(
            f"{file} cannot be read ({type(error).__name__}): name a file that holds the target document as JSON"
        ) from None


def _say_all(said: Sequence[str]) -> None:
    for one in said:
        click.echo(f"rotation: {screen.clean(one)}", err=True)


@targets.command("edit")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--yes", is_flag=True, help="Do not ask before it is stored.")
@PASS
def edit_target(stack: Stack, name: str, file: Path | None, yes: bool) -> int:
    """Put the document in FILE in the place of target NAME's; without a file, what your editor makes of it.

    Refused as `targets add` refuses, and while a rotation of it runs.
    """
    stored = stack.target(name)
    text = _text_of(file) if file else click.edit(stored, extension=".json")
    if text is None or as_object(text) == as_object(stored):
        click.echo(f"{name} is as it was: nothing was stored")
        return 0
    _do(stack, edition(stack, name, text), yes, "Store it?", "targets edit")
    return _told(name, "stored")


@targets.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask before it is removed.")
@PASS
def remove_target(stack: Stack, name: str, yes: bool) -> int:
    """Take target NAME out: it is not rotated any more. Says what stays behind; refused while a rotation of it runs."""
    _do(stack, removal(stack, name), yes, "Take it out?", "targets remove")
    click.echo(f"{name} is taken out")
    return 0


def _do(stack: Stack, change: Change, yes: bool, question: str, command: str) -> None:
    for line in change.lines:
        click.echo(screen.clean(line))
    if not yes:
        _confirm(question, command)
    do(stack, change)


@targets.command("hold")
@click.argument("name")
@click.option(
    "--until", required=True, metavar="DATE", help="The day (2026-01-31) or moment, in UTC, from which it may be rotated."
)
@click.option("--reason", default="", help="Why, for whoever reads the fleet's report.")
@PASS
def hold_target(stack: Stack, name: str, until: str, reason: str) -> int:
    """Keep the fleet from target NAME for a while. An execution that is started for it by name runs all the same."""
    stack.target(name)
    end = moment(until, "--until")
    if end <= datetime.now(UTC):
        raise Trouble(f"--until {until} is past: nothing would be held")
    Fleets(stack).hold(name, Hold(end.isoformat(), reason, stack.caller.arn))
    click.echo(f"{name} is held until {exact(end)}; before: rotation targets release {name}")
    return 0


@targets.command("release")
@click.argument("name")
@PASS
def release_target(stack: Stack, name: str) -> int:
    """Take the hold off target NAME: the next run of the fleet rotates it if it is due."""
    Fleets(stack).release(name)
    click.echo(f"{name} is not held any more")
    return 0


@rotation.group()
def fleet() -> None:
    """Many targets as one: whatever is due, in waves, until all is done or too many fail."""


@fleet.command("start")
@click.option(
    "--older-than", type=click.FloatRange(0, 3650), metavar="DAYS", help="Also targets whose class would leave more time."
)
@click.option("--at-once", type=click.IntRange(1, 1000), help="So many targets at once; else the stack's FleetAtOnce.")
@click.option("--per-place", type=click.IntRange(1, 1000), help="So many at once on one server or cluster; else FleetPerPlace.")
@click.option("--percent", type=click.FloatRange(0, 100), help="So many of all may fail; else FleetFailurePercent.")
@click.option("--name", help="The run's name; else one that says the time.")
@click.option("--follow", "following", is_flag=True, help="Show how far it is until it ends; the exit code then says how it ended.")
@PASS
def start_fleet(stack: Stack, /, name: str | None, following: bool, older_than: float | None, **settings: float | None) -> int:
    """Rotate whatever is due: one target of each kind first, then tenths. To start it again goes on with what is still due."""
    name = name or f"by-hand-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    if not EXECUTION_NAME.fullmatch(name):
        raise Trouble(f"{name!r} cannot be a run's name: up to 80 letters, digits, - and _")
    given = {key: value for key, value in {**settings, "older_than_days": older_than}.items() if value is not None}
    arn = Fleets(stack).start(name, {"settings": given, "started_by": stack.caller.arn})
    click.echo(arn)
    return _followed_fleet(stack, arn) if following else 0


def _followed_fleet(stack: Stack, arn: str) -> int:
    run: FleetRun | None = None
    told = ""
    try:
        for run in Fleets(stack).follow(arn):
            said = fleet_telling.progress(run)
            if said != told:
                click.echo(screen.clean(said))
            told = said
    except KeyboardInterrupt:
        click.echo(f"\nthe fleet goes on: `rotation fleet status {arn.rsplit(':', 1)[-1]}` shows how far it is", err=True)
        raise
    assert run is not None  # noqa: S101 - it is looked at once at least
    fleet_telling.tell_fleet(run)
    fleet_telling.tell_targets_of(run, asking=True)
    return run.exit_code


@fleet.command("status")
@click.argument("run", required=False)
@JSON
@PASS
def fleet_status(stack: Stack, run: str | None, as_json: bool) -> int:
    """How RUN of the fleet stands, or the newest: its waves, what failed, who asks for somebody."""
    found = Fleets(stack).run(run)
    if as_json:
        screen.as_json(found.as_dict())
    else:
        fleet_telling.tell_fleet(found)
    return found.exit_code


@fleet.command("report")
@click.argument("run", required=False)
@click.option("--asking", is_flag=True, help="Only the targets that somebody should look at.")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to file: waves, budget, failures."
)
@JSON
@PASS
def fleet_report(stack: Stack, run: str | None, asking: bool, page: Path | None, as_json: bool) -> int:
    """Every target of RUN of the fleet, or of the newest: rotated, failed and why, not begun, held, late."""
    fleets = Fleets(stack)
    found = fleets.run(run)
    if page is not None:
        reporting.put(page, fleet_page.render(found, stack.name, fleets.bucket, datetime.now(UTC)))
    if as_json:
        screen.as_json(found.as_dict())
    else:
        fleet_telling.tell_fleet(found)
        fleet_telling.tell_targets_of(found, asking=asking)
    return found.exit_code


@rotation.command("hand-in")
@click.argument("target")
@click.option("--id", "key_id", default="", help="What the provider calls the key, to find it there again. Never the key itself.")
@click.option("--stdin", is_flag=True, help="Read the key from stdin; else it is asked for, and not shown.")
@click.option("--replace", is_flag=True, help="Put it in the place of one that was handed in and not used yet.")
@click.option("--in-use", is_flag=True, help="It is the key that the application uses: make the record with it, start nothing.")
@click.option("--no-start", is_flag=True, help="Store it, and start nothing.")
@click.option("--follow", "following", is_flag=True, help="Show the run's steps until it ends; the exit code then says how.")
@PASS
def hand_in(stack: Stack, /, target: str, key_id: str, stdin: bool, replace: bool, **then: bool) -> int:
    """Hand in a new key of TARGET, whose keys people make: it is stored as the next one, and the run to it is started."""
    found = by_hand.target_of(stack, target)
    if not re.fullmatch(r"[!-~]{0,128}", key_id):
        raise Trouble("--id can be up to 128 printable characters without blanks")
    key = by_hand.asked_for(target, stdin=stdin)
    if key_id and key_id == key.reveal():
        raise Trouble("--id is the key itself, and now stands in your shell's history: revoke that key, and make another one")
    if then["in_use"]:
        said = by_hand.store_first(stack, found, key, key_id, target)
        click.echo(f"the record of {target} is made with the key in use: {said}")
        return 0
    said = by_hand.store_next(stack, found, key, key_id, replace=replace)
    click.echo(f"the new key of {target} is stored as the next one: {said}")
    if then["no_start"]:
        click.echo(f"start the run to it with: rotation start --target {target} --follow")
        return 0
    given = {"mode": Mode.ROTATE.value, "reason": "a key was handed in", "started_by": stack.caller.arn, "target": target}
    arn = stack.start(f"hand-in-{datetime.now(UTC):%Y%m%dT%H%M%SZ}", given)
    click.echo(arn)
    return _followed(stack, arn) if then["following"] else 0


@rotation.command("withdrawn")
@click.argument("target")
@click.option("--id", "key_id", help="Only the key of that id; else all that are to be revoked.")
@click.option("--said", is_flag=True, help="You say that it is revoked: nothing is tried, and the record says that you said so.")
@PASS
def withdrawn(stack: Stack, target: str, key_id: str | None, said: bool) -> int:
    """Show that the old keys of TARGET are revoked: each is tried and has to be refused. Then its reminder goes."""
    found = by_hand.target_of(stack, target)
    keys = [one for one in by_hand.outstanding(stack, found) if key_id in (None, one.id)]
    if key_id is not None and not keys:
        raise Trouble(f"no key {key_id!r} of {target} is to be revoked: `rotation status` names those that are")
    answers = list(by_hand.asked(stack, found, keys, said=said))
    by_hand.take_away(stack, found, answers)
    for one in answers:
        click.echo(screen.clean(f"{by_hand.named(one.key)}: {one.said}"))
    left = [one for one in answers if not one.done]
    click.echo(f"{target}: {len(left)} still to be revoked" if left else f"{target}: no old key is to be revoked")
    return int(bool(left))


def _told(name: str, what: str) -> int:
    click.echo(f"{name} {what}; try it without changing anything: rotation start --mode dry-run --target {name} --follow")
    return 0


def _check_name(name: str) -> None:
    if not TARGET_NAME.fullmatch(name):
        raise Trouble(f"{name!r} cannot be a target's name: up to 63 lower-case letters, digits and -; give one with --name")


@rotation.command()
@click.option(
    "--from", "since", required=True, metavar="DATE", help="The first day (2026-01-31) or moment (2026-01-31T03:00), in UTC."
)
@click.option("--to", "until", required=True, metavar="DATE", help="The day or moment after the last.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page to file, to read or to print.")
@click.option("--csv", type=click.Path(dir_okay=False, path_type=Path), help="Write a line for each rotation and each gap.")
@click.option("--json", type=click.Path(dir_okay=False, path_type=Path), help="Write all of it, for another program.")
@PASS
def report(stack: Stack, /, since: str, until: str, **files: Path | None) -> int:
    """The audit evidence: every rotation, what started it, how it ended; what failed and what mended it; what did not happen."""
    start, end = moment(since, "--from"), moment(until, "--to")
    if start >= end:
        raise Trouble(f"nothing lies between --from {since} and --to {until}: --to is the day after the last, and must be later")
    now = datetime.now(UTC)
    if start > now:
        raise Trouble(f"--from {since} is in the future: there is nothing to report on yet")
    evidence = reporting.gather(stack, start, end, now)
    for kind, path in files.items():
        if path is not None:
            reporting.write(evidence, kind, path)
    telling.tell_evidence(evidence)
    return 0


def _followed(stack: Stack, arn: str, as_json: bool = False) -> int:
    name = arn.rsplit(":", 1)[-1]
    try:
        if not as_json:
            click.echo(f"following {name}; Ctrl-C ends this, and not the execution")
        run = follow(stack, arn, quiet=as_json)
    except KeyboardInterrupt:
        click.echo(f"\nthe execution goes on: `rotation follow {name}` shows it again", err=True)
        raise
    if as_json:
        screen.as_json(end_as_json(run, datetime.now(UTC)))
    else:
        telling.tell_end(run)
    return exit_code(run)


def _only_one(stack: Stack) -> str:
    running = stack.latest(20, RUNNING)
    if not running:
        raise Trouble("nothing runs: `rotation history` lists what has run, `rotation explain` tells of the latest")
    if len(running) > 1:
        raise Trouble(f"{len(running)} executions run, name one: {', '.join(run.name for run in running)}")
    return running[0].arn


def _latest(stack: Stack) -> Run:
    runs = stack.latest(1)
    if not runs:
        raise Trouble("nothing has run in the last ninety days: `rotation report` goes further back")
    return runs[0]


def exit_code(run: Run) -> int:
    """By what the end asks of people; 0 while it runs."""
    return EXIT_CODES[run.end.urgency] if run.end else 0


def _confirm(question: str, command: str) -> None:
    if not sys.stdin.isatty():
        raise Trouble(f"{command} asks before it begins, and nobody can answer here: give --yes")
    if not click.confirm(question, err=True):
        raise Trouble("nothing was done")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. Whatever was asked for wrongly is one line on stderr."""
    try:
        answer = rotation.main(args=None if arguments is None else list(arguments), prog_name="rotation", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _say(_one_line(error))
    except Trouble as error:
        return _say(str(error))
    except (click.Abort, KeyboardInterrupt) as error:
        return INTERRUPTED if isinstance(error.__context__ or error, KeyboardInterrupt) else _say("nothing was answered")
    except (BrokenPipeError, SystemExit):  # Click and Rich leave so, too, when nobody reads any further
        _read_no_further()
        return 0
    return answer if isinstance(answer, int) else 0


def _read_no_further() -> None:
    """What is still to be written goes nowhere, and Python does not complain about it at its end."""
    with contextlib.suppress(OSError):  # where it has no number, it is no pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _one_line(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    place = context.command_path if context else "rotation"
    return f"{' '.join(error.format_message().split())} `{place} --help` says what can be given."


def _say(text: str) -> int:
    click.echo(f"rotation: {text}", err=True)
    return BAD_INPUT


def run() -> None:
    """What pip installs as `rotation`. After Ctrl-C it ends as a process does that the signal has ended."""
    code = main()
    if code == INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    sys.exit(code)
