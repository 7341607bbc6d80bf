"""`trailseal agent enrol|run|show|status`: the agent itself, where it stands. No ledger is opened here."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ledger.cli.output import AsJson, say, say_json, say_json_line, tell
from ledger.core.batch import fingerprint
from ledger.core.clock import SystemClock
from ledger.core.enrolment import EpochStart
from ledger.core.errors import ConfigError

if TYPE_CHECKING:
    from collectors.agent.run import AgentStatus

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The agent's folder.", envvar="TRAILSEAL_AGENT")]


def add_to(group: typer.Typer) -> None:
    """Adds the commands."""
    for name, command in _COMMANDS:
        group.command(name)(command)


def enrol(
    folder: Folder,
    server: Annotated[
        str, typer.Option(help="The ledger's port for deliveries, https://HOST:PORT, or a broker, mqtts://HOST:PORT.")
    ],
    enrol_server: Annotated[str, typer.Option(help="The ledger's port for enrolment, https://HOST:PORT.")],
    code: Annotated[str, typer.Option(help="The one-time code that `agent invite` printed.", envvar="TRAILSEAL_CODE")],
    as_json: AsJson = False,
) -> None:
    """Enrol an agent: it makes its own keys in DIR, and prints the fingerprint that a second person compares."""
    from collectors.agent.enrol import enrol as make

    shown = make(folder, enrol_server, server, code)
    if as_json:
        say_json({"folder": str(folder), "fingerprint": shown})
        return
    say(f"Fingerprint: {shown}")
    say(
        f"Somebody else than whoever invited it confirms it at the ledger. Name the sources in {folder / 'agent.toml'}."
    )


def show(folder: Folder, as_json: AsJson = False) -> None:
    """Who the agent in DIR is: its key's fingerprint, the ledger that it serves, its certificate."""
    from collectors.agent.identity import Identity

    one = Identity(folder)
    until = one.certificate().not_valid_after_utc.isoformat()
    if as_json:
        say_json(
            {
                "agent": one.name,
                "fingerprint": fingerprint(one.public_key),
                "origin": one.origin,
                "sources": one.enrolled.sources,
                "certificate_until": until,
            }
        )
        return
    say(f"Agent {one.name} of {one.origin}, for {', '.join(one.enrolled.sources)}")
    say(f"Fingerprint: {fingerprint(one.public_key)}")
    say(f"Certificate good until {until}; it is renewed before that while the agent runs.")


def run(
    folder: Folder,
    one_way: Annotated[
        Path | None,
        typer.Option(help="Write signed, numbered files into this folder, where nothing comes back from the ledger."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read the sources and hand over what they give, until Ctrl-C or SIGTERM; then the exit code is 0.

    Trouble is told when it begins and when it is over; with --json the whole status, a line a change.
    """
    from collectors.agent.config import load
    from collectors.agent.run import Agent

    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    agent = Agent(folder, load(folder), SystemClock(), stop, one_way)
    tell(f"Agent {agent.status().agent} runs; `trailseal agent status` tells how it fares.")
    agent.run(_Teller(as_json))


def status(folder: Folder, as_json: AsJson = False) -> None:
    """How the agent in DIR fares. Exit code 1 if it does not run, or waits for something."""
    from collectors.agent.run import read_status, running

    found, runs = read_status(folder), running(folder)
    troubles = _troubles(found)
    if as_json:
        say_json({"running": runs, "status": found})
    else:
        say(f"Agent {found.agent} {'runs' if runs else 'does not run'}; told at {found.at}")
        say(f"Epoch {found.epoch}: {found.number} batches numbered, {found.delivered} delivered, {found.waiting} wait")
        say(f"The spool holds {found.kept} batches, {found.held_bytes} bytes")
        say(f"Its certificate is good until {found.certificate_until}")
        if found.clock is not None:
            clock = found.clock
            say(f"The ledger's clock: {clock.offset_us / 1e6:+.1f} s from ours, ± {clock.uncertainty_us / 1e6:.1f} s")
        for one in found.sources:
            say(f"{one.source}: {one.records} records, {one.rejected} rejected, in {one.runs} runs since it started")
        for trouble in troubles:
            say(f"▲ {trouble}")
    if troubles or not runs:
        raise typer.Exit(1)


def resend(
    folder: Folder,
    out: Annotated[Path, typer.Option("--one-way", help="The folder that is carried across.")],
    number: Annotated[list[int], typer.Option(help="A batch that did not come, as `agent receive` names it.", min=1)],
    to: Annotated[int | None, typer.Option(help="With one --number: and all after it up to this one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write batches again that did not come across. The agent may run meanwhile."""
    from collectors.agent.config import load
    from collectors.agent.identity import Identity
    from collectors.agent.one_way import write_again
    from collectors.agent.spool import Spool

    wanted = range(number[0], to + 1) if to is not None and len(number) == 1 else number
    config, spool = load(folder), Spool(Identity(folder), SystemClock())
    try:
        write_again(spool, out, wanted, config.one_way.copies)
    finally:
        spool.close()
    if as_json:
        say_json({"written": list(wanted)})
    else:
        say(f"{len(wanted)} batches were written again, {config.one_way.copies} times each.")


def begin_epoch(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `agent approve-epoch --file` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Begin a new epoch where nothing comes back: what the ledger did not get, and is still held, is numbered anew."""
    from collectors.agent.one_way import begin_epoch as begin

    try:
        start = msgspec.json.decode(file.read_bytes(), type=EpochStart)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise ConfigError(f"{file} begins no epoch: {error}", advice="Bring the file as it was written.") from None
    begin(folder, SystemClock(), start)
    if as_json:
        say_json({"agent": start.agent, "epoch": start.epoch})
    else:
        say(f"Agent {start.agent} begins epoch {start.epoch} when it runs next.")


_COMMANDS = (
    ("enrol", enrol),
    ("run", run),
    ("show", show),
    ("status", status),
    ("resend", resend),
    ("begin-epoch", begin_epoch),
)


class _Teller:
    """Tells on standard error what is newly wrong, and when it is over; as JSON every change, on standard output."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._told: tuple[str, ...] = ()
        self._seen: tuple[object, ...] = ()

    def __call__(self, status: "AgentStatus") -> None:
        now = _troubles(status)
        seen = (status.epoch, status.number, status.delivered, now)
        if self._as_json and seen != self._seen:
            say_json_line(status)
        self._seen = seen
        for trouble in now:
            if trouble not in self._told:
                tell(f"▲ {trouble}")
        if self._told and not now:
            tell("All is well again.")
        self._told = now


def _troubles(status: "AgentStatus") -> tuple[str, ...]:
    found = [status.trouble, *(f"{one.source}: {one.trouble}" for one in status.sources if one.trouble)]
    return tuple(one for one in found if one)
