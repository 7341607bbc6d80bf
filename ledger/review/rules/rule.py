"""What a rule is: it says which records it examines, and what it finds of each by what the log knows as of a size.

What it finds of a record depends on nothing but entries below that size. So findings are the same whatever order
records came in, and a record that comes late changes what is found of others only where the rule says so (`touches`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import ParameterName
from ledger.core.rule_run import Said as Said
from ledger.findings.kinds import Severity
from ledger.review.known.facts import Told
from ledger.review.known.systems import Classes
from ledger.review.rules.known import Known, Sight, V


class Judged(NamedTuple):
    """What a rule says of the record `anchor`. `entries`: of a finding, the records that it rests on.

    `why`: the code of what was found, of the guard, or of the input that is lacking; `detail`: a finding in words.
    `severity`: where this finding matters more or less than the rule says.
    """

    anchor: int
    said: Said
    why: str = ""
    entries: tuple[int, ...] = ()
    detail: str = ""
    severity: Severity | None = None


class About(msgspec.Struct, frozen=True, kw_only=True):
    """A rule by its id, its version, what it looks for, and how much that matters.

    `needs`: of what classes systems have to be connected, of each at least one; without, nothing can be said.
    `parameters`: by which it judges, besides the one that is named by its id.
    """

    id: str
    version: int
    title: str
    severity: Severity
    needs: tuple[Classes, ...] = ()
    parameters: tuple[ParameterName, ...] = ()


def by_value(
    anchors: Sequence[Told],
    known: Known,
    kind: type[V],
    judged: Callable[[list[Told], V, Known], Iterable[Judged]],
    before: Callable[[Told, Known], Judged | None] = lambda told, known: None,
) -> Iterator[Judged]:
    """What a rule says of records by its own parameter, those together for which the same value holds.

    Where nobody set one, that is what is lacking. `before`: what is said of a record whatever the value.
    """
    groups: dict[int, tuple[V, list[Told]]] = {}
    for told in anchors:
        value = known.value(told, kind)
        if value is None:
            yield Judged(told.index, Said.LACKING, kind.__name__.lower())
        elif (said := before(told, known)) is not None:
            yield said
        else:
            groups.setdefault(id(value), (value, []))[1].append(told)
    for value, of in groups.values():
        yield from judged(of, value, known)


def undated(told: Told, known: Known) -> Judged | None:
    """A record that its clock puts after its own receipt is before or after nothing."""
    return Judged(told.index, Said.UNORDERED, "clock") if known.ahead(told) else None


def uncritical(told: Told, known: Known) -> Judged | None:
    """Only what the asset map calls critical is judged, and only what can be put in order."""
    if not known.assets_of(told):
        return Judged(told.index, Said.LACKING, "asset-map")
    return undated(told, known) if known.critical(told) else Judged(told.index, Said.CLEAR)


def unknown(told: Told, systems: Iterable[str], known: Known, grace_s: int, back_s: int = 0) -> Judged | None:
    """Why it cannot be said that these systems never told of something from so long before a record to so long after
    it; None: it can.
    """
    low, high = told.about.low_us - back_s * MICROSECONDS, told.about.high_us + grace_s * MICROSECONDS
    sights = {one: known.sight(one, low, high) for one in systems}
    for sight, said in ((Sight.BROKEN, Said.LACKING), (Sight.NOT_YET, Said.PENDING)):
        if names := [one for one, its in sights.items() if its is sight]:
            return Judged(told.index, said, f"time-of-{names[0]}")
    return None


@runtime_checkable
class Rule(Protocol):
    """One rule. It keeps nothing between two calls."""

    @property
    def about(self) -> About: ...

    def examines(self, told: Told, known: Known) -> bool:
        """Whether this record is one of those that the rule looks at."""
        ...

    def touches(self, new: Sequence[Told], known: Known) -> Iterable[int]:
        """The other records of which these may change what the rule says; more of them do no harm."""
        ...

    def judge(self, anchors: Sequence[Told], known: Known) -> Iterator[Judged]:
        """What it says of each of these records that it examines, once each."""
        ...
