"""`trailseal imports list`, `show`, `end`, `true-copy`: what was imported, and who says that it is a true copy."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.import_look import say_differences
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json, tell
from ledger.cli.signed import say_signed
from ledger.cli.source_add import read_pairs
from ledger.core.hashing import unb64
from ledger.service import Service
from ledger.signing.sign_off import SignOff, signs_off
from ledger.sources.import_kinds import ImportState
from ledger.sources.imports import Known

group = typer.Typer(help="Imports of old audit trails.", no_args_is_help=True)

Import = Annotated[str, typer.Argument(metavar="IMPORT", help="The import's id, as `trailseal imports list` has it.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@group.command("list")
def list_imports(
    ledger: LedgerOption,
    source: Annotated[str | None, typer.Option(help="Those of this archive only.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """All imports, and where each stands."""
    with opened(ledger) as service:
        found = service.record_log(log).imports.list(source)
    if as_json:
        say_json(found)
        return
    if not found:
        say("Nothing was imported. Import an old audit trail: trailseal import FILE --source ID --mapping FILE")
    for known in found:
        outcome = known.last.outcome
        held = "not ended" if outcome is None else f"{outcome.counts.records} records of {outcome.counts.rows} rows"
        say(f"{known.last.id:40} {known.state.value:10} {held}, {known.last.file.name}")


@group.command("show")
def show(
    key: Import,
    ledger: LedgerOption,
    recount: Annotated[bool, typer.Option("--recount", help="Count once more what the ledger holds of it.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """One import: its file, its figures, what differs, and the statement about it.

    With --recount, exit code 1 if what the ledger holds is not what its entry says.
    """
    with opened(ledger) as service:
        imports = service.record_log(log).imports
        known = imports.get(key)
        same = not recount or imports.recount(key) == known.last.outcome
        signed = signed_statement(service, log, known)
    answer(known, as_json, signed)
    if recount:
        tell("Counted once more: as the entry says." if same else "▲ Counted once more: not as the entry says.")
    if not same:
        raise typer.Exit(1)


@group.command("end")
def end(key: Import, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False) -> None:
    """End an import as it is, though its file was not read to the end; it stays open."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        known = chosen.imports.finish(key, reason, local(service), ended=False)
    answer(known, as_json)
    raise typer.Exit(1)


@group.command("true-copy")
def true_copy(
    key: Import,
    ledger: LedgerOption,
    sample: Annotated[
        list[int], typer.Option(help="A record's entry that you held against the old system; as often as needed.")
    ],
    reason: Reason,
    file: Annotated[Path | None, typer.Option(help="The old system's file as you have it: is it the same?")] = None,
    explain: Annotated[
        list[str] | None, typer.Option(help="DIFFERENCE=WHY, for each that the import has; as `imports show` names it.")
    ] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """State that an import is a true copy of the old audit trail; not for whoever imported it."""
    from collectors.archive.archive import look_at

    compared = None if file is None else bytes.fromhex(look_at(file).sha256)
    explained = read_pairs(explain or [])
    with opened(ledger) as service:
        imports = service.record_log(log).imports
        known = imports.state_true_copy(key, sample, explained, reason, local(service), compared)
        signed = signed_statement(service, log, known)
    answer(known, as_json, signed)


def signed_statement(service: Service, log: str | None, known: Known) -> SignOff | None:
    """How the statement about an import is signed off; None where there is no statement."""
    if known.true_copy is None:
        return None
    (how,) = signs_off(service.store, service.record_log(log).log, [(known.entry, known.true_copy)])
    return how


def answer(known: Known, as_json: bool, signed: SignOff | None = None) -> None:
    """Says how an import stands."""
    if as_json:
        say_json({**msgspec.to_builtins(known), "signed": signed})
        return
    body = known.last
    mark = "▲" if known.state in (ImportState.OPEN, ImportState.RUNNING) else "●"
    say(f"{mark} Import {body.id} is {known.state.value}: entry {known.entry}.")
    say(f"  {body.file.name}, {body.file.size} bytes, SHA-256 {unb64(body.file.sha256, 32).hex()}")
    if body.outcome is not None:
        counts = body.outcome.counts
        say(
            f"  {counts.rows} rows: {counts.appended} records appended, {counts.duplicates} known already, "
            f"{counts.quarantined} quarantined; {counts.records} records hold them"
        )
        say(f"  from {body.outcome.first_occurred or 'no time'} to {body.outcome.last_occurred or 'no time'}")
        for one in body.outcome.totals:
            say(f"  {one.by.value:12} {one.value:20} {one.records:>10}")
        say_differences(body.outcome.differences)
    if body.continues_in is not None:
        say(f"  collected live as {body.continues_in}, from {body.live_from or '(not yet)'} on")
    if known.true_copy is not None:
        for line in known.true_copy.statement.splitlines():
            say(f"  {line}")
        say(f"  Stated by {known.true_copy.authority.actor} (entry {known.entry}); reason: {known.true_copy.reason}")
    if signed is not None:
        say_signed(signed)
