"""`trailseal source reconcile|reconciliations`: what the source counts of an interval against what the log has."""

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from ledger.cli.instants import interval_us
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.source_complete import From, To, ZoneOption
from ledger.core.errors import ConfigError
from ledger.core.source import UNCOLLECTED, SourceConfig
from ledger.service import Service
from ledger.sources.reconciling import Reconciled


def add_to(group: typer.Typer) -> None:
    """Adds these commands to `trailseal source`."""
    group.command("reconcile")(reconcile)
    group.command("reconciliations")(reconciliations)


def reconcile(
    source_id: str,
    ledger: LedgerOption,
    since: From,
    until: To,
    reason: Annotated[str, typer.Option(help="Why it is counted, such as the review it is for.")],
    count: Annotated[
        int | None,
        typer.Option(
            help="Records that a person counted at the source; without it, its collector reads it anew.", min=0
        ),
    ] = None,
    zone: ZoneOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Hold what the source has of an interval against what the log has. Exit code 1 if they differ: it is a finding."""
    low, high = interval_us(since, until, zone)
    with opened(ledger) as service:
        chosen = service.record_log(log)
        config, authority = chosen.sources.get(source_id), local(service)
        if count is not None:
            found = chosen.reconciling.by_count(source_id, low, high, count, reason, authority)
        else:
            there = _read_anew(service, config, low, high)
            found = chosen.reconciling.by_ids(source_id, low, high, there, reason, authority)
    if as_json:
        say_json(found)
    else:
        _say(found)
    if not found.reconciliation.holds:
        raise typer.Exit(1)


def reconciliations(source_id: str, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """All reconciliations of a source, oldest first."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        chosen.sources.get(source_id)
        found = chosen.reconciling.history(source_id)
    if as_json:
        say_json(found)
        return
    if not found:
        say(f"Source {source_id} was never reconciled.")
    for one in found:
        _say(one)


def _read_anew(service: Service, config: SourceConfig, low: int, high: int) -> set[str]:
    """The ids that the source gives now; Ctrl-C ends it."""
    # Imported here: the sources' own libraries take a second to load, which other commands should not wait for.
    from collectors.recount import ids_between
    from collectors.registry import open_collector

    cannot = ConfigError(
        f"source {config.id!r} is of type {config.type}, which does not give again what it gave once",
        advice="Count its records at the source, and give the number by --count.",
    )
    if config.type in UNCOLLECTED:
        raise cannot
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = signal.signal(signal.SIGINT, end)
    try:
        there = ids_between(open_collector(config, service.clock), low, high, stop)
    finally:
        signal.signal(signal.SIGINT, previous)
    if there is None:
        raise cannot
    return there


def _say(found: Reconciled) -> None:
    one = found.reconciliation
    verdict = "holds" if one.holds else "DOES NOT HOLD"
    say(f"entry {found.entry}: {one.from_at} to {one.to_at} {verdict} (counted by {one.by.value})")
    say(f"  at the source {one.there.count}, in the log {one.here.count}")
    for name, ids in (("not in the log", one.lacking), ("at the source no longer", one.gone)):
        for id_ in ids:
            say(f"  {name}: {id_}")
