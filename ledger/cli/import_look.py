"""Says what the dry run of `trailseal import` found."""

from ledger.cli.output import say
from ledger.import_look import Look, Shown
from ledger.present.sentences import record_sentence
from ledger.present.values import plain
from ledger.sources.import_kinds import Difference


def say_look(found: Look) -> None:
    """Says what a dry run found."""
    say(f"{found.file}: {found.size} bytes, SHA-256 {found.sha256}")
    for table, count in sorted(found.tables.items()):
        say(f"  table {table}: {count} rows")
    for one in found.shown:
        say(f"row {one.row}: {_cells(one)}")
        if one.record is not None:
            say(f"  → {one.record.occurred_at.text}  {plain(record_sentence(one.record))}")
    for one in found.refused:
        say(f"▲ row {one.row} would be quarantined: {one.reason}")
    if not found.mapped:
        say(f"{found.rows} rows. Give --mapping to see what records they become.")
    else:
        say(f"{found.rows} rows: {found.records} records, {found.rejected} would be quarantined.")
        say(f"  from {found.first_occurred or 'no time'} to {found.last_occurred or 'no time'}")
        for total in found.totals:
            say(f"  {total.by.value:12} {total.value:20} {total.records:>10}")
    say_differences(found.differences)
    if found.trouble is not None:
        say(f"▲ not read further: {found.trouble}")
    say("Nothing was stored.")


def say_differences(found: tuple[Difference, ...]) -> None:
    """Says what is other than the old system's figures."""
    for one in found:
        stated = "nothing was stated" if one.expected is None else f"{one.expected} expected"
        say(f"▲ {one.what}: {stated}, {one.found} found")


def _cells(one: Shown) -> str:
    return ", ".join(f"{name}={'(null)' if value is None else value}" for name, value in (one.entry or {}).items())
