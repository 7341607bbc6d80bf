"""The dry run of an import: rows, what becomes of them, and figures; nothing is stored."""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from ledger.core.clock import WallClock
from ledger.core.errors import LedgerError
from ledger.core.record import Record
from ledger.core.source import SourceConfig
from ledger.core.times import SafeInt
from ledger.sources.import_kinds import Counts, Difference, Expected, Total
from ledger.sources.import_tally import UNREAD, Tally, differences

if TYPE_CHECKING:
    from collectors.archive.archive import Archive, Readable
    from collectors.archive.pieces import Piece

_SHOWN: Final = 5
_REPORTED: Final = 1000
_NO_MAPPING: Final = """
name = "none"
version = 1
title = "none yet"
[record]
id = "file.row"
action = { text = "update" }
occurred_at = "file.row"
object = { type = { text = "row" }, id = "file.row" }
"""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the file: its named values, and the record that it becomes, or the reason why it is none."""

    row: int
    entry: Mapping[str, str | None] | None = None
    record: Record | None = None
    reason: str | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a dry run found; `trouble`: why the file was not read further. `tables`: rows of each table of a dump.

    `whole` false: there are more rows, which nobody has looked at, and the figures are of those before.
    """

    file: str
    sha256: str
    size: SafeInt
    mapped: bool
    rows: SafeInt
    records: SafeInt
    rejected: SafeInt
    tables: dict[str, int]
    shown: tuple[Shown, ...]
    refused: tuple[Shown, ...]
    first_occurred: str | None
    last_occurred: str | None
    totals: tuple[Total, ...]
    differences: tuple[Difference, ...]
    trouble: str | None
    whole: bool = True


def look(
    file: "Readable",
    config: SourceConfig,
    expected: Expected,
    clock: WallClock,
    report: Callable[[int, int], None] | None = None,
    most: int | None = None,
) -> Look:
    """Reads all of a file, or its first `most` rows; without a mapping, its rows are shown as one would see them."""
    # Imported here: drivers' libraries take time to load, which other commands should not wait for.
    from collectors.archive.archive import Archive
    from collectors.archive.pieces import Unreadable

    mapped = config.mapping is not None
    archive = Archive(config if mapped else msgspec.structs.replace(config, mapping=_NO_MAPPING), {}, clock, file)
    tally, rows, rejected, trouble, whole = Tally(), 0, 0, None, True
    shown: list[Shown] = []
    refused: list[Shown] = []
    with closing(archive.pieces()) as pieces:
        try:
            for piece in pieces:
                if rows == most:
                    whole = False
                    break
                rows += 1
                one = _shown(archive, piece, rows, mapped)
                rejected += one.reason is not None
                kept = shown if one.reason is None else refused
                if len(kept) < _SHOWN:
                    kept.append(one)
                if one.record is not None:
                    tally.add(one.record)
                if report is not None and rows % _REPORTED == 0:
                    report(rows, max(rows, expected.rows or 0))
        except Unreadable as error:
            trouble = str(error)
    records = rows - rejected
    counts = Counts(rows=rows, appended=records, duplicates=0, quarantined=rejected, records=records)
    unread = {UNREAD: int(trouble is not None)}
    return Look(
        file=archive.file.name,
        sha256=archive.file.sha256,
        size=archive.file.size,
        mapped=mapped,
        rows=rows,
        records=records if mapped else 0,
        rejected=rejected,
        tables=dict(archive.form.tables),
        shown=tuple(shown),
        refused=tuple(refused),
        first_occurred=tally.first,
        last_occurred=tally.last,
        totals=tally.totals(expected) if mapped else (),
        differences=differences(expected, counts, tally, unread) if mapped and whole else (),
        trouble=trouble,
        whole=whole,
    )


def fails(found: Look) -> bool:
    """Whether something of the file would be no record, or is other than what was stated."""
    unlike = any(one.expected is not None for one in found.differences)
    return unlike or found.rejected > 0 or found.trouble is not None


def _shown(archive: "Archive", piece: "Piece", number: int, mapped: bool) -> Shown:
    from collectors.text import render

    if piece.problem:
        return Shown(row=number, reason=piece.problem)
    try:
        fields = archive.form.fields(piece)
        values = {name: None if value is None else str(render(value)) for name, value in fields.items()}
        record = archive.derive(archive.submission(piece, number)) if mapped else None
        return Shown(row=number, entry=values, record=record)
    except (LedgerError, msgspec.ValidationError) as error:
        return Shown(row=number, reason=str(error))
