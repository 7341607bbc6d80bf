"""What the map says of one clause, and of the document it is from."""

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final

import msgspec

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
ClauseId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9.()-]{0,31}\Z")]
Row = Annotated[str, msgspec.Meta(pattern=r"^[RC][0-9]{2}\Z")]
Place = Annotated[str, msgspec.Meta(pattern=r"^(api|page|module|command|handbook|help):\S.*\Z")]
"""Where the product meets a clause: a route of the API without its prefix `/api/v1`, a page, a file of the code, a
command, a page of the handbook, a topic of the help."""
TestName = Annotated[str, msgspec.Meta(pattern=r"^tests/[a-z0-9_/]+\.py::test_[a-z0-9_]+\Z")]
Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
_ROW: Final = re.compile(r"[RC][0-9]{2}")


class Sort(StrEnum):
    """Who has to see to it: the software, the site's procedures, or both."""

    SOFTWARE = "S"
    PROCEDURE = "P"
    BOTH = "S+P"


class Standing(StrEnum):
    """How far the product meets its part of a clause. What a site's procedures owe is never counted as met."""

    MET = "met"
    PARTLY = "partly"
    NOT_YET = "not-met-yet"


class Checked(StrEnum):
    """How the words of the clause are known.

    `read`: the clause's own text was read, as the stored copy named by `source` gives it. `secondary`: what others
    write of it. `not-checked`: neither; compare it with the official text before it is relied on.
    """

    READ = "read"
    SECONDARY = "secondary"
    NOT_CHECKED = "not-checked"


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clause: what it asks in our own words (`text`), what the product does or lacks (`answer`), and what shows it.

    `rows` are the requirements that the tests name in `pytest.mark.requirement`; `tests` each bear one of them.
    `checked_at` is the day on which `source` was read. Raises ValueError where its members contradict each other.
    """

    id: ClauseId
    document: str
    clause: Words
    sort: Sort
    text: Words
    standing: Standing
    answer: Words
    checked: Checked
    rows: tuple[Row, ...] = ()
    where: tuple[Place, ...] = ()
    tests: tuple[TestName, ...] = ()
    source: str = ""
    checked_at: Day | None = None
    note: str = ""

    def __post_init__(self) -> None:
        if (self.standing is Standing.NOT_YET) != (not self.where):
            raise ValueError("what is not met yet names no place (`where`), and everything else at least one")
        if self.standing is Standing.NOT_YET and self.tests:
            raise ValueError("what is not met yet names no tests")
        if self.standing is Standing.MET and not self.tests:
            raise ValueError("what is met names a test that shows it")
        if {bool(self.source), self.checked_at is not None} != {self.checked is Checked.READ}:
            raise ValueError("`source` and `checked_at` say where and when a text was read, and are given only then")
        if not self.rows and (self.tests or _ROW.fullmatch(self.id)):
            raise ValueError("a clause with tests names the requirements (`rows`) that they bear")


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One regulation or guide with its clauses, in the order of its file. `status` says what is in force."""

    id: str
    title: Words
    status: Words
    clauses: tuple[Clause, ...]


def totals(clauses: Iterable[Clause]) -> dict[Standing, int]:
    """How many of the clauses stand how; each standing is there, with 0 too."""
    counted = Counter(clause.standing for clause in clauses)
    return {standing: counted[standing] for standing in Standing}
