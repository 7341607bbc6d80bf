"""`trailseal import`: an old audit trail from a file, once, with its figures held against those of the old system."""

from pathlib import Path
from typing import Annotated, Final

import typer

from ledger.cli.import_config import read_totals
from ledger.cli.import_look import say_look
from ledger.cli.imports import answer
from ledger.cli.instants import utc_of
from ledger.cli.ledgers import LogOption, local, opened
from ledger.cli.output import AsJson, progress, say_json, tell
from ledger.cli.source_add import read_pairs
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError
from ledger.import_look import fails, look
from ledger.importing import Given, Wanted, begin, read
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.import_kinds import Expected, ImportState
from ledger.sources.imports import Known

_TOTAL: Final = "BY:VALUE=N, BY one of year, month, user, action, object-type"


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="The old audit trail: CSV, XML, or a SQL dump.")],
    source: Annotated[str, typer.Option(help="Id of the archive in this ledger; it is registered if it is new.")],
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder; a dry run needs none."),
    ] = None,
    mapping: Annotated[str | None, typer.Option(help="What its rows mean: a template's name, or a TOML file.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE, such as format=sql, table=audit_trail, delimiter=;, items=Event."),
    ] = None,
    title: Annotated[str | None, typer.Option(help="What people call the old system.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of times without offset.")] = None,
    owner: Annotated[str | None, typer.Option(help="The role that answers for it.")] = None,
    seal: Annotated[list[str] | None, typer.Option(help="Member with personal or third-party values.")] = None,
    expect_rows: Annotated[int | None, typer.Option(help="How many rows the old system counts.", min=0)] = None,
    sha256: Annotated[str | None, typer.Option(help="The file's SHA-256, as it came with it (hexadecimal).")] = None,
    total: Annotated[list[str] | None, typer.Option(help=f"A control total of the old system: {_TOTAL}.")] = None,
    totals: Annotated[Path | None, typer.Option(help="Control totals as CSV: by,value,records.")] = None,
    continues_in: Annotated[str | None, typer.Option(help="The source that is collected live in its place.")] = None,
    live_from: Annotated[
        str | None, typer.Option(help="From when on it is; by default, from the first run of that source.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is imported; it stands in the entries.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read all, show rows and what becomes of them, count; store nothing.")
    ] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Import an old audit trail from a file: each row a record, with its bytes, marked as imported.

    Rows that are no records are quarantined with the reason. What was stopped goes on where it was, by the same
    command; the same file again makes no record twice. At the end the ledger reads back what it holds, and compares it
    with the old system's figures: exit code 1, and the import stays open, unless they agree. Somebody else states that
    it is a true copy: `trailseal imports true-copy`.

    A mapping takes the columns as `entry.NAME`, and has `file.row`; a dry run without --mapping shows them. SQL dumps
    are those of pg_dump (plain), mysqldump or mariadb-dump, and SQLite's .dump; all options: `trailseal source types`.
    """
    expected = Expected(rows=expect_rows, totals=read_totals(total or [], totals))
    # Imported here: drivers' libraries take time to load, which other commands should not wait for.
    from collectors.mapping.templates import mapping_text

    text = None if mapping is None else mapping_text(mapping)
    given = Given(source, text, read_pairs(option or []), title, zone, owner, None if seal is None else tuple(seal))
    if dry_run:
        before = None
        if ledger is not None:
            with opened(ledger) as service:
                before = given.registered(service.record_log(log))
        with progress(f"look at {file.name}", "rows") as report:
            found = look(file, given.config(before, mapped=False), expected, SystemClock(), report)
        say_json(found) if as_json else say_look(found)
        if fails(found):
            raise typer.Exit(1)
        return
    if ledger is None or reason is None:
        missing = "--ledger" if ledger is None else "--reason"
        raise ConfigError(f"{missing} is not given", advice="Only a dry run does without it.")
    since = None if live_from is None else utc_of("--live-from", live_from)
    with opened(ledger) as service:
        known = _import(
            service,
            service.record_log(log),
            file,
            given,
            Wanted(expected, sha256, sha256 is not None, continues_in, since, reason),
        )
    answer(known, as_json)
    if known.state is not ImportState.RECONCILED:
        raise typer.Exit(1)


def _import(service: Service, chosen: RecordLog, file: Path, given: Given, wanted: Wanted) -> Known:
    authority = local(service)
    known = begin(service, chosen, file, given, wanted, authority)
    with progress(f"import {file.name}", "rows") as report:
        read(service, chosen, file, known, authority, report)
    tell("Reading back what the ledger holds of it.")
    return chosen.imports.finish(known.last.id, wanted.reason, authority)
