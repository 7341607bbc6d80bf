"""`trailseal collect`: pull from one source, or from all; once, or for as long as it runs."""

import signal
import threading
from collections.abc import Sequence
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from collectors.runner import Progress, Runner
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json, say_json_line, tell
from ledger.core.errors import CollectorError, ConfigError, Conflict
from ledger.core.source import ARCHIVE, BY_HAND, PUSH, UNCOLLECTED, SourceConfig
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.life import CLOSED

if TYPE_CHECKING:
    from collectors.followers import SourceStatus

LISTEN_SECONDS = 10.0
LOOK_SECONDS = 2.0
"""Between two looks at which sources there are to follow, and how they fare."""


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("collect")(collect)


def collect(
    ledger: LedgerOption,
    source: Annotated[
        str | None, typer.Argument(help="The source; without it, all that are pulled and not suspended.")
    ] = None,
    listen: Annotated[
        float, typer.Option(help="Seconds to listen to a source that sends by itself.", min=0.5)
    ] = LISTEN_SECONDS,
    follow: Annotated[
        float | None,
        typer.Option(
            help="Go on until Ctrl-C or SIGTERM: look every so many seconds, listen all the time to what sends by "
            "itself, and take up sources as they are registered, changed, suspended and resumed.",
            min=0.1,
        ),
    ] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Pull once, or go on with --follow. What one source gives is kept, whatever becomes of the others.

    Exit code 1 if a source could not be read; with --follow trouble is told when it begins and when it is over.
    """
    if follow is not None:
        with opened(ledger) as service:
            _follow(service, service.record_log(log), source, follow, as_json)
        return
    # Imported here: the sources' own libraries take a second to load, which other commands should not wait for.
    from collectors.registry import open_collector

    done: list[Progress] = []
    failed = []
    with opened(ledger) as service, progress("collect", "records") as report:
        chosen = service.record_log(log)
        sink = chosen.sink(local(service))
        for config in _pulled(chosen, source):
            try:
                runner = Runner(
                    open_collector(config, service.clock),
                    sink,
                    service.clock,
                    progress=lambda now: report(now.appended, now.appended),
                )
                done.append(runner.pull(listen))
            except (CollectorError, ConfigError, Conflict) as error:
                failed.append({"source": config.id, "error": error.message, "advice": error.advice})
    if as_json:
        say_json({"collected": done, "failed": failed})
    else:
        for one in done:
            say(
                f"{one.source}: {one.appended} new records, {one.duplicates} known already, "
                f"{one.quarantined} quarantined, {one.gaps} gaps, in {one.runs} runs"
            )
        for trouble in failed:
            say(f"▲ {trouble['source']}: {trouble['error']}. {trouble['advice']}")
        if not done and not failed:
            say("No source to collect from. Register one: trailseal source add ID --type TYPE")
    if failed:
        raise typer.Exit(1)


def _follow(service: Service, chosen: RecordLog, source: str | None, every_s: float, as_json: bool) -> None:
    from collectors.followers import Followers
    from collectors.registry import open_collector
    from collectors.runner import Patience

    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    followers = Followers(chosen.sink(local(service)), service.clock, Patience(attempts=None))
    followed: dict[str, SourceConfig] = {}
    teller = _Teller(as_json)
    if source is not None:
        _pulled(chosen, source)  # a source that can't be pulled is told before anything starts
    tell("Collecting; Ctrl-C ends it.")
    while True:
        wanted = {one.id: one for one in _pulled(chosen, None) if source in (None, one.id)}
        for name in [name for name, config in followed.items() if wanted.get(name) != config]:
            followers.end(name)
            del followed[name]
        for name in wanted.keys() - followed.keys():
            followers.begin(name, partial(open_collector, wanted[name], service.clock), every_s)
            followed[name] = wanted[name]
        if followers.failure is not None:
            raise followers.failure
        teller(followers.statuses)
        if stop.wait(LOOK_SECONDS):
            break
    _sum_up(followers.end_all(), as_json)


class _Teller:
    """Tells on standard error what is newly wrong, and when it is over; as JSON every change, on standard output."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._told: dict[str, SourceStatus] = {}

    def __call__(self, statuses: Sequence["SourceStatus"]) -> None:
        for now in statuses:
            before = self._told.get(now.source)
            if now == before:
                continue
            if self._as_json:
                say_json_line(now)
            trouble = before.trouble if before is not None else ""
            if now.trouble != trouble:
                tell(f"▲ {now.source}: {now.trouble}" if now.trouble else f"{now.source}: all is well again")
        self._told = {now.source: now for now in statuses}


def _sum_up(statuses: Sequence["SourceStatus"], as_json: bool) -> None:
    for one in statuses:
        if as_json:
            say_json_line(one)
        else:
            say(f"{one.source}: {one.records} new records, {one.rejected} quarantined, in {one.runs} runs")


def _pulled(chosen: RecordLog, source: str | None) -> list[SourceConfig]:
    if source is None:
        pulled = [config for config in chosen.sources.list() if config.type not in UNCOLLECTED]
        return [config for config in pulled if chosen.lives.standing(config.id).state not in CLOSED]
    config = chosen.sources.get(source)
    if config.type == ARCHIVE:
        raise ConfigError(
            f"source {source!r} is an old audit trail: it is imported once",
            advice="Import its files: `trailseal import`.",
        )
    if config.type == BY_HAND:
        raise ConfigError(
            f"source {source!r} is of type {BY_HAND}: there is nothing to pull",
            advice="People enter its records: `trailseal hand enter`, the pages, or the API.",
        )
    if config.type == PUSH:
        raise ConfigError(
            f"source {source!r} is of type {PUSH}: there is nothing to pull",
            advice="Bring its records: `trailseal append`, or the API with a token (`trailseal token create`).",
        )
    return [config]
