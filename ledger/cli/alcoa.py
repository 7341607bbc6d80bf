"""`trailseal alcoa`: records by the checks of ALCOA+ and Traceable."""

from typing import Annotated

import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.present.messages import message
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.reading import assessment_of
from ledger.store.as_of import as_of

group = typer.Typer(help="ALCOA+: what records are worth as evidence, by checks.", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Keeps `show` a command of its own while it is the only one."""


@group.command("show")
def show(
    index: Annotated[int, typer.Argument(help="The entry's index.", min=0)],
    ledger: LedgerOption,
    size: Annotated[int | None, typer.Option("--size", min=0, help="As of this size of the log, not of now.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """One record by all checks: what holds, what fails, and what cannot be assessed for want of what.

    Exit code 1 where a check fails.
    """
    with opened(ledger) as service:
        chosen = service.record_log(log).log
        with service.store.reader(chosen.number) as reader:
            at_size = as_of(reader, chosen, size)
            assessor = service.quality.assessor(reader.connection, chosen.number, at_size)
            found = assessment_of(assessor, reader, at_size, index)
    if as_json:
        say_json(found)
    else:
        say(f"entry {index} as of size {at_size}")
        for one in found.checks:
            code = "" if one.code is None else message(f"alcoa.code.{one.code}")
            result = message(f"alcoa.result.{one.result.value}")
            attribute = message(f"alcoa.attribute.{one.attribute.value}")
            say(f"{one.check.value}  {attribute:16} {result:15} {code}".rstrip())
    if any(one.result is Result.FAIL for one in found.checks):
        raise typer.Exit(1)
