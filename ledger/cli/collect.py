"""`trailseal collect`: pull once from one source, or from all."""

from typing import Annotated

import typer

from collectors.runner import Progress, Runner
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.core.errors import CollectorError, ConfigError, Conflict
from ledger.core.source import PUSH, SourceConfig
from ledger.service import RecordLog
from ledger.sources.life import CLOSED

LISTEN_SECONDS = 10.0


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
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Pull once. Exit code 1 if a source could not be read; what others gave is kept all the same."""
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


def _pulled(chosen: RecordLog, source: str | None) -> list[SourceConfig]:
    if source is None:
        pulled = [config for config in chosen.sources.list() if config.type != PUSH]
        return [config for config in pulled if chosen.lives.standing(config.id).state not in CLOSED]
    config = chosen.sources.get(source)
    if config.type == PUSH:
        raise ConfigError(
            f"source {source!r} is of type {PUSH}: there is nothing to pull",
            advice="Bring its records: `trailseal append`, or the API with a token (`trailseal token create`).",
        )
    return [config]
