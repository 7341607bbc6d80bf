"""`trailseal alcoa`: records by the checks of ALCOA+ and Traceable."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.core.assessment import Attribute, Tally
from ledger.core.errors import SchemaViolation
from ledger.core.record import LinkKind
from ledger.present.messages import message
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.batches import of_batch
from ledger.review.alcoa.judging import Here, Processes
from ledger.review.alcoa.reading import assessment_of
from ledger.review.alcoa.totals import Days, Total, behind, totals
from ledger.review.known.days import Period
from ledger.service import Service

SizeOption = Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")]
FromOption = Annotated[str | None, typer.Option("--from", help="The first day (UTC), as 2026-11-25.")]
ToOption = Annotated[str | None, typer.Option("--to", help="The last day (UTC), included.")]

group = typer.Typer(help="ALCOA+: what records are worth as evidence, by checks.", no_args_is_help=True)


@group.command("show")
def show(
    index: Annotated[int, typer.Argument(help="The entry's index.", min=0)],
    ledger: LedgerOption,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """One record by all checks: what holds, what fails, and what cannot be assessed for want of what.

    Exit code 1 where a check fails.
    """
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        assessor = service.quality.assessor(reader.connection, chosen.log.number, at_size)
        found = assessment_of(assessor, reader, at_size, index)
    if as_json:
        say_json(found)
    else:
        say(f"entry {index} as of size {at_size}")
        for one in found.checks:
            result = message(f"alcoa.result.{one.result.value}")
            say(f"{one.check.value}  {_attribute(one.attribute):16} {result:15} {_code(one.code)}".rstrip())
    if any(one.result is Result.FAIL for one in found.checks):
        raise typer.Exit(1)


@group.command("assess")
def assess(
    ledger: LedgerOption,
    full: Annotated[
        bool, typer.Option("--full", help="Everything, not only what may have changed since the last run.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", help="Processes that judge.", min=1, max=64)] = 1,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Assess all records of a log, or those that may have changed, and enter what came out."""
    with opened(ledger) as service, progress("assess", "blocks") as report:
        chosen = service.record_log(log).log
        judging = None if workers == 1 else Processes(partial(judges, service.folder), workers)
        made = service.quality.assessments.run(chosen, full, local(service), report, judging)
    if as_json:
        say_json(made)
    else:
        entries = ", ".join(map(str, made.entries)) or "none"
        say(f"{made.log} as of size {made.size}: {made.judged} blocks assessed, {made.changed} came out anew")
        say(f"entries: {entries}")


@group.command("totals")
def show_totals(
    ledger: LedgerOption,
    source: Annotated[str | None, typer.Option("--source", help="Only this source.")] = None,
    since: FromOption = None,
    until: ToOption = None,
    period: Annotated[Period | None, typer.Option("--period", help="Days, weeks or months by themselves.")] = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """How many records of each source hold, fail and cannot be assessed, by attribute, as they were assessed last."""
    days = Days.read(since, until)
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        found = totals(reader.connection, chosen.log.number, at_size, days, period, source)
    if as_json:
        say_json({"size": at_size, "totals": found})
        return
    if not found:
        say("No record of that time was assessed yet: run `trailseal alcoa assess`.")
    for one in found:
        say(f"{one.source}  {one.first} – {one.last}  {_attribute(one.attribute):16}  {_numbers(one)}")


@group.command("records")
def show_records(
    source: Annotated[str, typer.Argument(help="The source.")],
    attribute: Annotated[Attribute, typer.Argument(help="The attribute.")],
    verdict: Annotated[Result, typer.Argument(help="What it comes to.")],
    ledger: LedgerOption,
    since: FromOption = None,
    until: ToOption = None,
    after: Annotated[str | None, typer.Option("--after", help="Go on after this page.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="Records of a page.")] = 100,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The records behind a number of the totals, with what fails or is missing."""
    days = Days.read(since, until)
    with reading_as_of(ledger, log, size) as (_, chosen, reader, at_size):
        page = behind(
            reader.connection, chosen.log.number, at_size, source, attribute, verdict, days, after, limit
        )  # fmt: skip
    if as_json:
        say_json({"size": at_size, "records": page.records, "next_after": page.next_after})
        return
    for one in page.records:
        say(f"{one.day}  entry {one.index}  {_code(one.code)}".rstrip())
    if page.next_after is not None:
        say(f"There are more: --after {page.next_after} --size {at_size}")


@group.command("recount")
def recount(
    ledger: LedgerOption,
    low: Annotated[int, typer.Option("--low", min=0, help="Assessments from this entry on.")] = 0,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Draws the blocks; another each time.")] = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Hold assessments against the records, as level 2 of verification does: all numbers, and blocks that a seed draws.

    With the range of a verification and the seed that it names the same blocks. Exit code 1 where one says otherwise.
    """
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        found = service.quality.recounting(reader.connection, chosen.log, low, at_size, lambda _: None, seed)
    if as_json:
        say_json({"low": low, "size": at_size, "fault": found.fault, "left_out": found.left_out})
    else:
        say("Assessments say what the records come to." if found.fault is None else str(found.fault))
        if found.left_out:
            say(f"Not recounted: {found.left_out}")
    if found.fault is not None:
        raise typer.Exit(1)


@group.command("batch")
def show_batch(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Id of the batch, the order or the lot.")],
    ledger: LedgerOption,
    kind: Annotated[LinkKind, typer.Option("--kind", help="What the id is of.")] = LinkKind.BATCH,
    attribute: Annotated[
        Attribute | None, typer.Option("--attribute", help="With --verdict: the records behind that number.")
    ] = None,
    verdict: Annotated[Result | None, typer.Option("--verdict", help="What the attribute comes to.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Of this source alone.")] = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What belongs to a batch, an order or a lot, assessed now: by source and attribute.

    Exit code 1 where a check fails.
    """
    if (attribute is None) is not (verdict is None):
        raise SchemaViolation("a number is named by --attribute and --verdict together", advice="Give both.")
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        found = of_batch(service.quality.assessor(reader.connection, chosen.log.number, at_size), kind, id_)
    sources = [one for one in found.sources if source in (None, one.source)]
    behind = None if attribute is None or verdict is None else list(found.behind(attribute, verdict, source))
    if as_json:
        tallied = [{"source": one.source, "records": one.records, "tallies": one.tallies} for one in sources]
        say_json(
            {"size": at_size, "kind": kind, "id": id_, "records": found.records, "cut": found.cut, "sources": tallied,
             "behind": behind}
        )  # fmt: skip
    else:
        say(f"{kind.value} {id_} as of size {at_size}: {message('alcoa.batch.records', count=found.records)}")
        if found.cut:
            say(message("alcoa.batch.cut"))
        for of in sources:
            for tally in of.tallies:
                say(f"{of.source}  {_attribute(tally.attribute):16}  {_numbers(tally)}")
        for one in behind or ():
            say(f"{one.source}  entry {one.index}  {_code(one.code)}".rstrip())
    if any(tally.failed for one in sources for tally in one.tallies):
        raise typer.Exit(1)


def judges(folder: Path) -> Here:
    """What judges in a process of its own; it ends with that."""
    service = Service(folder)
    return Here(service.store.reading, service.quality.assessor)


def _numbers(one: Total | Tally) -> str:
    return f"● {one.passed:8}  ▲ {one.failed:8}  ○ {one.open:8}"


def _code(code: str | None) -> str:
    return "" if code is None else message(f"alcoa.code.{code}")


def _attribute(attribute: Attribute) -> str:
    return message(f"alcoa.attribute.{attribute.value}")
