"""`trailseal rules back-test`: what a rule as it is now, or with other parameters, finds in the past."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.files import text_of
from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.core.errors import ConfigError, Conflict, NotFound, SchemaViolation
from ledger.core.job import Job, JobState
from ledger.review.known.days import Period
from ledger.review.trials.back_testing import BackTest, Compared
from ledger.review.trials.supposing import Supposition
from ledger.service import BACK_TEST


def add_to(group: typer.Typer) -> None:
    """Adds the command to `trailseal rules`."""
    group.command("back-test")(back_test)


def back_test(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule, such as D11.")],
    ledger: LedgerOption,
    since: Annotated[str | None, typer.Option("--from", help="Since this day (UTC), as 2026-11-25.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until this day, included.")] = None,
    period: Annotated[Period, typer.Option(help="How long a time is counted together.")] = Period.MONTH,
    suppose: Annotated[
        str | None,
        typer.Option(
            help='Parameters to suppose, as JSON or @FILE, such as \'[{"name": "limits", "value": {"late_s": 60}}]\'.'
        ),
    ] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Look at the past with a rule, and tell which findings it would open and close. Nothing is entered."""
    supposed = () if suppose is None else _supposed(suppose)
    with opened(ledger) as service, progress("back-test", "entries") as report:
        name = service.record_log(log).log.name
        plan = BackTest(log=name, rule=rule, since=since, until=until, period=period, supposed=supposed)
        try:
            service.quality.back_tests.checked(plan)
        except (SchemaViolation, NotFound) as error:
            raise ConfigError(error.message, advice=error.advice) from None

        def watch(job: Job) -> None:
            report(job.done, job.total)

        job = service.jobs.run_now(BACK_TEST, msgspec.json.encode(plan).decode(), watch)
    if job.state is not JobState.DONE:
        raise Conflict(job.error or f"the job ended as {job.state.value}")
    found = msgspec.json.decode(job.result, type=Compared)
    if as_json:
        say_json(found)
    else:
        _say(found)


def _say(found: Compared) -> None:
    counts = f"{found.opened} findings would be opened, {found.closed} closed, {found.same} stay the same"
    say(f"{found.rule} version {found.version} over {found.log} as of {found.size} entries: {counts}")
    said = ", ".join(f"{count} {name.value}" for name, count in sorted(found.said.items()))
    say(f"it says: {said or 'nothing'}")
    for one in found.periods:
        say(f"{one.first} to {one.last}: {one.opened} opened, {one.closed} closed, {one.same} the same")
    for other in found.differences:
        what = "would open " if other.opened else "would close"
        say(f"{what}  {other.key}  {other.source}: {other.detail or f'{other.why}, entry {other.anchor}'}")
    if found.more:
        say(f"and {found.more} more")


def _supposed(text: str) -> tuple[Supposition, ...]:
    data = text_of(Path(text[1:]), "JSON") if text.startswith("@") else text
    try:
        return msgspec.json.decode(data, type=tuple[Supposition, ...])
    except msgspec.DecodeError as error:
        raise ConfigError(f"--suppose: {error}", advice="Give a list of name, value, and source or type.") from None
