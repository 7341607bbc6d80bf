"""That a statement of completeness was made, as an entry."""

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt


class CoverageStatement(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="coverage-statement/1"):
    """All records of a source, from `from_at` to before `to_at`, that were received were stated as of the log's `size`.

    `sha256` is of the signed note; it says what could not be known. `records` are those of the runs that reach over
    that time.
    """

    source: Name
    from_at: str
    to_at: str
    size: SafeInt
    sha256: Digest
    records: SafeInt
    reason: Text
    authority: Authority


KINDS = (Kind("coverage-statement", [CoverageStatement]),)
