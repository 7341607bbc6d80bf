"""The cells of a block as text: records of the same verdicts together. The same cells give the same bytes."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from ledger.core import canonical
from ledger.core.assessment import Attribute, Tally
from ledger.core.errors import IntegrityError, SchemaViolation
from ledger.core.members import Members
from ledger.review.alcoa.attributes import Check, Result, Verdict, attribute_verdict

MEDIA_TYPE, FORMAT, VERSION = "application/jsonl", "alcoa-cells", "2"
"""The version is that of what checks say, too: it rises where one comes to say something else of the same records."""


class Vector(msgspec.Struct, frozen=True):
    """The entries of all records that have these verdicts, in the order of the checks."""

    cells: tuple[Verdict, ...]
    members: Members


class BlockCells(msgspec.Struct, frozen=True, kw_only=True):
    """All records of a source of one day with their verdicts."""

    source: str
    day: str
    vectors: tuple[Vector, ...]

    @classmethod
    def of(cls, source: str, day: str, found: Mapping[tuple[Verdict, ...], Iterable[int]]) -> "BlockCells":
        """The records (in any order) by their verdicts."""
        vectors = (Vector(cells, Members.of(sorted(indices))) for cells, indices in sorted(found.items()))
        return cls(source=source, day=day, vectors=tuple(vectors))

    @property
    def records(self) -> int:
        return sum(len(one.members) for one in self.vectors)

    @property
    def tallies(self) -> tuple[Tally, ...]:
        """The numbers of each attribute: their sum is that of the records."""
        return tuple(self._tally(attribute) for attribute in Attribute)

    def _tally(self, attribute: Attribute) -> Tally:
        counts = dict.fromkeys(Result, 0)
        for one in self.vectors:
            counts[attribute_verdict(attribute, one.cells).result] += len(one.members)
        return Tally(
            attribute=attribute,
            passed=counts[Result.HOLDS],
            failed=counts[Result.FAIL],
            open=counts[Result.NOT_ASSESSABLE],
        )

    def having(self, attribute: Attribute, result: Result) -> list[tuple[int, Verdict]]:
        """The records of which the attribute comes to that, in order, each with what fails or is missing."""
        found = [
            (index, verdict)
            for one in self.vectors
            for verdict in (attribute_verdict(attribute, one.cells),)
            if verdict.result is result
            for index in one.members
        ]
        return sorted(found)

    @property
    def line(self) -> bytes:
        """The block as one line of JSON, without its end."""
        vectors = [{"cells": [*one.cells], "members": one.members.text} for one in self.vectors]
        return canonical.dumps({"source": self.source, "day": self.day, "vectors": vectors})


def grouped(assessed: Iterable[tuple[int, tuple[Verdict, ...]]]) -> dict[tuple[Verdict, ...], "array[int]"]:
    """Records by their verdicts; 8 bytes a record."""
    found: dict[tuple[Verdict, ...], array[int]] = {}
    for index, cells in assessed:
        if cells not in found:
            found[cells] = array("q")
        found[cells].append(index)
    return found


class _Vector(msgspec.Struct, forbid_unknown_fields=True):
    cells: tuple[Verdict, ...]
    members: str


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    day: str
    vectors: list[_Vector]


_LINE = msgspec.json.Decoder(_Line)


def written(blocks: Sequence[BlockCells]) -> bytes:
    """An entry's cells: a line a block."""
    return b"".join(one.line + b"\n" for one in blocks)


def read(data: bytes) -> Iterator[BlockCells]:
    """The blocks of an entry's cells; raises IntegrityError for bytes that are none."""
    try:
        for line in data.splitlines():
            told = _LINE.decode(line)
            vectors = tuple(Vector(one.cells, Members.read(one.members)) for one in told.vectors)
            if any(len(one.cells) != len(Check) for one in vectors):
                raise SchemaViolation("a record has not as many verdicts as there are checks")
            yield BlockCells(source=told.source, day=told.day, vectors=vectors)
    except (msgspec.DecodeError, UnicodeDecodeError, SchemaViolation) as error:
        raise IntegrityError(f"the cells of an assessment cannot be read: {error}") from None
