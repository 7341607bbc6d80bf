"""The statement of completeness: all records of a source from one instant to another that were received, and where it
could not be known. Signed by the log's report key; verified with nothing but its file and a key.
"""

from typing import Annotated, Final, Literal

import msgspec

from ledger.core.record import Digest, Interval, Name, Text
from ledger.core.times import SafeInt

ABOUT: Final = "completeness"
WORDS: Final = (
    "These are all records of the source, of the time from the first instant to before the second, that were received, "
    "and where it could not be known whether there were others."
)
Microseconds = Annotated[int, msgspec.Meta(ge=-(2**53) + 1, le=2**53 - 1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class StatedStretch(_Part, frozen=True, kw_only=True):
    """A stretch of the source's time, its state, and the first and last entries that say so (null: none does)."""

    between: Interval
    state: Name
    first_run: SafeInt | None
    last_run: SafeInt | None
    reason: str


class StatedNumbers(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """The source's own numbers: `policy` is what parameter entry `entry` says of them; null: nobody has said.

    `began_again`: how often a series began anew without a rule that says when it does.
    """

    policy: Name | None
    entry: SafeInt | None
    unnumbered: SafeInt
    lacking: SafeInt
    doubles: SafeInt
    late: SafeInt
    began_again: SafeInt = 0


class StatedExposure(_Part, frozen=True, kw_only=True):
    """How long the source alone held the records, in microseconds; `over` are over the limit."""

    records: SafeInt
    unknown: SafeInt
    negative: SafeInt
    median_us: Microseconds | None
    p95_us: Microseconds | None
    longest_us: Microseconds | None
    limit_us: SafeInt | None
    over: SafeInt


class StatedReconciliation(_Part, frozen=True, kw_only=True):
    """Entry `entry` held what the source counts `between` two instants against the log, by collector or by hand."""

    entry: SafeInt
    between: Interval
    by: Name
    holds: bool


class CompletenessStatement(_Part, frozen=True, kw_only=True):
    """What is stated of a source's time `between` two instants, as of the log's checkpoint of `size` and `root`.

    `runs` collection runs, from entry `first_run` to `last_run`, reach over that time as far as it is known. They
    brought `records` records; their chain leads from `chain_before` to `chain_after`, so none of them can be missing
    unseen. `dated`: how many records of the log, that are there still, happened in that time; `dated_elsewhere` of
    them came with other runs. `disposed`: records of those runs whose content was disposed of since.
    """

    about: Literal["completeness"] = ABOUT
    origin: Name
    source: Name
    title: Name
    type: Name
    between: Interval
    size: SafeInt
    root: Digest
    words: Text
    runs: SafeInt
    first_run: SafeInt | None
    last_run: SafeInt | None
    chain_before: Digest
    chain_after: Digest
    records: SafeInt
    dated: SafeInt
    dated_elsewhere: SafeInt
    duplicates: SafeInt
    quarantined: SafeInt
    disposed: SafeInt
    stretches: tuple[StatedStretch, ...]
    sequence: StatedNumbers
    exposure: StatedExposure
    reconciliations: tuple[StatedReconciliation, ...]
    not_known: tuple[Text, ...]


_decoder = msgspec.json.Decoder(CompletenessStatement)


def read_statement(payload: bytes) -> CompletenessStatement:
    """The statement of a payload (canonical JSON); raises msgspec.ValidationError for one that is of something else."""
    return _decoder.decode(payload)
