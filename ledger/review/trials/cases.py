"""The cases on which a rule is tried: a record of the log, or runs that are placed in it and taken out again."""

from typing import Annotated, Final

import msgspec

from ledger.core import canonical
from ledger.core.errors import NotCanonical, SchemaViolation
from ledger.core.record import Name
from ledger.core.rule_run import Said
from ledger.core.run import RunBatch
from ledger.core.times import SafeInt

MOST: Final = 100
"""Cases of one trial."""
MOST_RECORDS: Final = 1_000
"""Records that are placed for one case."""


class Case(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a rule should say of a record: of `entry` of this log, or of one of `runs`: the one with this
    `source_record_id`, without it the last.
    """

    name: Name
    expected: Said
    entry: SafeInt | None = None
    runs: Annotated[tuple[RunBatch, ...], msgspec.Meta(max_length=MOST)] = ()
    record: Name | None = None

    def __post_init__(self) -> None:
        if (self.entry is None) is not bool(self.runs):
            raise ValueError(f"case {self.name!r} names either an entry or runs")

    def anchor(self) -> int:
        """Which of the records of its runs is examined, from 0 on; raises SchemaViolation where none is, or two."""
        names = [one.record.source_record_id for run in self.runs for one in run.submissions]
        if not 0 < len(names) <= MOST_RECORDS:
            raise SchemaViolation(
                f"case {self.name!r} places {len(names)} records; between 1 and {MOST_RECORDS} can be"
            )
        if self.record is None:
            return len(names) - 1
        found = [at for at, name in enumerate(names) if name == self.record]
        if len(found) != 1:
            raise SchemaViolation(
                f"case {self.name!r} examines {self.record!r}: its runs have {len(found)} such records"
            )
        return found[0]


Cases = Annotated[tuple[Case, ...], msgspec.Meta(min_length=1, max_length=MOST)]


def read_cases(data: bytes) -> tuple[Case, ...]:
    """The cases that a JSON list gives; raises SchemaViolation, naming the member that is wrong."""
    try:
        canonical.loads(data)
        return msgspec.json.decode(data, type=Cases)
    except (NotCanonical, msgspec.DecodeError) as error:
        raise SchemaViolation(
            f"the cases: {error}", advice="Give a list of cases with name, expected, and entry or runs."
        ) from None
