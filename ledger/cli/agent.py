"""`trailseal agent`: at the ledger, who may deliver from elsewhere; on site, the agent itself."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from ledger.agents.agents import KnownAgent
from ledger.agents.kinds import AgentState
from ledger.cli import agent_site
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json, say_json_line
from ledger.core.enrolment import EpochStart
from ledger.core.errors import ConfigError, NotCanonical
from ledger.trust.files import write_durably

if TYPE_CHECKING:
    from ledger.agents.receiving import Received

group = typer.Typer(
    help="Edge agents: programs that collect elsewhere and hand over signed batches.", no_args_is_help=True
)
agent_site.add_to(group)

Agent = Annotated[str, typer.Argument(help="The agent's name.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@group.command("invite")
def invite(
    agent: Annotated[str, typer.Argument(help="The agent's name: lower case, digits, . _ -")],
    source: Annotated[list[str], typer.Option(help="A registered source that it may deliver, as often as needed.")],
    ledger: LedgerOption,
    zone: Annotated[str | None, typer.Option(help="The zone (IEC 62443) in which it stands.")] = None,
    reason: Reason = "invited at the terminal",
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Invite an agent. Prints its one-time code: good once, for an hour, and kept nowhere."""
    # Imported here: the API takes a second to load, which other commands should not wait for.
    from ledger.api.agents import invite as make

    with opened(ledger) as service:
        try:
            made = make(service, agent, tuple(source), zone, reason, local(service), log)
        except NotCanonical as error:
            raise ConfigError(
                f"this is no name or no reason: {error.message}",
                advice="A name is of lower case letters, digits, '.', '_' and '-'; a reason is a sentence.",
            ) from None
    if as_json:
        say_json(made)
        return
    say(f"Agent {agent} is invited: entry {made.index} of the system log")
    say(f"Code, shown once, good until {made.expires_at}: {made.code}")
    say("On site: trailseal agent enrol DIR --server https://… --enrol-server https://… --code CODE")


@group.command("list")
def list_agents(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """Every agent there is or was: its state, sources, zone and key."""
    with opened(ledger) as service:
        known = service.agents.list()
    if as_json:
        say_json(known)
        return
    for one in known:
        zone = f" in zone {one.zone}" if one.zone else ""
        say(f"{one.agent:20} {one.state.value}, epoch {one.epoch}, for {', '.join(one.sources)}{zone}{_key(one)}")


@group.command("confirm")
def confirm(
    agent: Agent,
    fingerprint: Annotated[str, typer.Option(help="The fingerprint that `trailseal agent show` prints on site.")],
    ledger: LedgerOption,
    reason: Reason = "the fingerprint was compared on site",
    as_json: AsJson = False,
) -> None:
    """Let an enrolled agent deliver, once its key's fingerprint was compared; not by whoever invited it."""
    with opened(ledger) as service:
        index = service.agents.confirm(agent, fingerprint, reason, local(service))
    _tell(agent, index, "may deliver", as_json)


@group.command("revoke")
def revoke(
    agent: Agent, ledger: LedgerOption, reason: Reason = "revoked at the terminal", as_json: AsJson = False
) -> None:
    """End an agent's right at once: nothing of it is taken from here on."""
    with opened(ledger) as service:
        index = service.agents.revoke(agent, reason, local(service))
    _tell(agent, index, "is revoked", as_json)


@group.command("approve-epoch")
def approve_epoch(
    agent: Agent,
    ledger: LedgerOption,
    reason: Reason = "the agent was restored",
    file: Annotated[
        Path | None, typer.Option(help="Write what an agent behind a diode needs for it: for `agent begin-epoch`.")
    ] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Let an agent begin anew that was restored, or lost a batch for good; what it numbered before is taken no more."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        last = chosen.deliveries.last(agent) if file is not None else None
        index = service.agents.approve_epoch(agent, reason, local(service))
        if file is not None and last is not None:
            known = next(one for one in service.agents.list() if one.agent == agent)
            states = tuple(chosen.ingest.state(source) for source in known.sources)
            start = EpochStart(agent=agent, epoch=known.epoch, after=last.number, sources=states)
            write_durably(file, msgspec.json.encode(start))
    _tell(agent, index, "may begin a new epoch", as_json)


@group.command("receive")
def receive(
    incoming: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files arrive.")],
    ledger: LedgerOption,
    follow: Annotated[float | None, typer.Option(help="Look every so many seconds until Ctrl-C.", min=0.1)] = None,
    silence: Annotated[float, typer.Option(help="Seconds that an agent may say nothing.", min=1)] = 900.0,
    patience: Annotated[float, typer.Option(help="Seconds that a file may be late behind others.", min=0)] = 60.0,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Take in what one-way agents wrote. Exit code 1 if the last look found something missing, silent or refused.

    Files that were taken are removed; what is no batch is set aside in DIR/refused.
    """
    from ledger.agents.receiving import Receiver

    if not incoming.is_dir():
        raise ConfigError(f"{incoming} is no folder", advice="Name the folder in which the files arrive.")
    stop = threading.Event()
    if follow is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: stop.set())
    with opened(ledger) as service:
        chosen = service.record_log(log)
        receiver = Receiver(
            service.store,
            chosen.log,
            service.agents,
            chosen.deliveries,
            service.keys.receipt_key(chosen.log.name),
            incoming,
            silence_s=silence,
            patience_s=patience,
        )
        told: Received | None = None
        while True:
            found = receiver.look()
            if follow is None or told is None or found.taken or found.troubles != told.troubles:
                _tell_received(found, as_json)
            told = found
            if follow is None or stop.wait(follow):
                break
    if told.troubles:
        raise typer.Exit(1)


def _tell_received(found: "Received", as_json: bool) -> None:
    if as_json:
        say_json_line(found)
        return
    say(f"{found.taken} batches taken, {found.known} files of batches known already")
    for trouble in found.troubles:
        say(f"▲ {f'Agent {trouble.agent}: ' if trouble.agent else ''}{trouble.what}")


def _tell(agent: str, index: int, what: str, as_json: bool) -> None:
    if as_json:
        say_json({"agent": agent, "entry": index})
    else:
        say(f"Agent {agent} {what}: entry {index} of the system log.")


def _key(one: KnownAgent) -> str:
    if one.fingerprint is None:
        return ""
    shown = one.fingerprint if one.state is AgentState.CONFIRMED else "(compare with `trailseal agent show` on site)"
    return f"; key {shown}"
