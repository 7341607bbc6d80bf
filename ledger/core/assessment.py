"""Assessments as entries of the log whose records were assessed: totals in the entry, the cells in its original."""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Name, OriginalRef
from ledger.core.times import SafeInt

MOST_BLOCKS = 500
"""Blocks of an entry: so its body keeps well below the largest."""


class Attribute(StrEnum):
    """What a record has to be."""

    ATTRIBUTABLE = "attributable"
    LEGIBLE = "legible"
    CONTEMPORANEOUS = "contemporaneous"
    ORIGINAL = "original"
    ACCURATE = "accurate"
    COMPLETE = "complete"
    CONSISTENT = "consistent"
    ENDURING = "enduring"
    AVAILABLE = "available"
    TRACEABLE = "traceable"


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many records an attribute holds, fails, and cannot be assessed (`open`)."""

    attribute: Attribute
    passed: SafeInt
    failed: SafeInt
    open: SafeInt


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a source of one day (UTC, by when they happened; `core.looks.moment_us`).

    `succeeds`: the entry whose cells of that block these take the place of; it stays as it is.
    """

    source: Name
    day: str
    records: SafeInt
    tallies: tuple[Tally, ...]
    succeeds: SafeInt | None


class Retrieved(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a source that was fetched with its proof, in so many milliseconds.

    `opened`: what was fetched could be read, and was proven, by itself, without the ledger.
    """

    source: Name
    index: SafeInt
    milliseconds: SafeInt
    opened: bool


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A block by its source and day."""

    source: Name
    day: str


class Assessment(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="assessment/1"):
    """Records of this log by all checks of ALCOA+, as of its `size`.

    A run takes, in the order of sources and days, the blocks that entries from `low` on could change (0: all). It makes
    several of these, each for the blocks after those of the one before and up to `through`; the last one says so
    (`last`). `same`: how many of them came out as they were, which are in no entry again. `cells` is null where the
    entry has no blocks. `altered_by`: the newest entries of maps, parameters, counts and
    imports from `low` on, 100 at most.

    What is said of anchors rests on the first `system_size` entries of the system log; `at`, when the log's last entry
    below `size` was logged, is the only *now*. `retrieval`: what was measured before the run, in an entry of its own
    (`through` is null, `low` is `size`); it tells of records as of sizes beyond it.
    """

    low: SafeInt
    size: SafeInt
    system_size: SafeInt
    at: str
    blocks: Annotated[tuple[Block, ...], msgspec.Meta(max_length=MOST_BLOCKS)]
    same: SafeInt
    through: Place | None
    last: bool
    altered_by: Annotated[tuple[SafeInt, ...], msgspec.Meta(max_length=100)]
    retrieval: Annotated[tuple[Retrieved, ...], msgspec.Meta(max_length=1000)]
    cells: OriginalRef | None
    authority: Authority


ASSESSMENT = Kind("assessment", [Assessment])
