"""Entries about the import of old audit trails, and the statement that what was imported is a true copy."""

from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt

MAX_TOTALS: Final = 5_000


class ImportEvent(StrEnum):
    """What is said of an import."""

    BEGUN = "begun"
    FINISHED = "finished"


class ImportState(StrEnum):
    """Where an import stands. `open`: what was found is not what the old system counts."""

    RUNNING = "running"
    OPEN = "open"
    RECONCILED = "reconciled"
    TRUE_COPY = "true copy"


class By(StrEnum):
    """By what records are counted; a year and a month are those of the source's own clock."""

    YEAR = "year"
    MONTH = "month"
    USER = "user"
    ACTION = "action"
    OBJECT_TYPE = "object-type"


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """How many records have that year, user and so on."""

    by: By
    value: Name
    records: SafeInt


Totals = Annotated[tuple[Total, ...], msgspec.Meta(max_length=MAX_TOTALS)]


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What the old system counts, as a person states it: its rows, and control totals. Null: nobody could count."""

    rows: SafeInt | None = None
    totals: Totals = ()


class ImportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file that is imported; `stated`: whether its digest is the one that came with it from the old system."""

    name: Name
    sha256: Digest
    size: SafeInt
    stated: bool


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows. `records`: different entries that hold them, in whichever import they came."""

    rows: SafeInt
    appended: SafeInt
    duplicates: SafeInt
    quarantined: SafeInt
    records: SafeInt


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found to be other than expected; null: nothing was stated."""

    what: Name
    expected: SafeInt | None
    found: SafeInt


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger holds of the file, read back from it; instants are UTC, null where no record names one."""

    counts: Counts
    first_occurred: str | None
    last_occurred: str | None
    totals: Totals
    differences: tuple[Difference, ...]
    runs: SafeInt
    last_run: SafeInt | None
    chain: Digest | None


class SourceImport(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="import/1"):
    """An import began, or ended; every run of its source between the two is of this file.

    `configured` and `mapped` are the entries that say how the file's rows become records. `begun` is the entry with
    which it began, and `outcome` what was found; both only at its end. `live_from`: from when on `continues_in`, a
    source that is collected live, holds what happens in the old system's place.
    """

    id: Name
    source: Name
    event: ImportEvent
    state: ImportState
    file: ImportedFile
    configured: SafeInt
    mapped: SafeInt | None
    mapping: Name
    expected: Expected
    continues_in: Name | None
    live_from: str | None
    reason: Text
    authority: Authority
    begun: SafeInt | None = None
    outcome: Outcome | None = None


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Why a difference is none of the copy's."""

    what: Name
    why: Text


class TrueCopy(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="true-copy/1"):
    """A person states that what was imported is a true copy; never the one who imported it.

    `finished` is the import's last entry, with digest, counts and differences: what a signature of this statement
    covers. `sample` are records that the person held against the old system; `compared`: the person had the file, and
    it was the same.
    """

    id: Name
    source: Name
    finished: SafeInt
    file: ImportedFile
    counts: Counts
    mapped: SafeInt | None
    mapping: Name
    meaning: Literal["true copy"]
    statement: Text
    sample: tuple[SafeInt, ...]
    compared: bool
    explained: tuple[Explained, ...]
    reason: Text
    authority: Authority


KINDS = (Kind("import", [SourceImport]), Kind("true-copy", [TrueCopy]))
