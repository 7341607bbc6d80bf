"""What is known of one record when it is judged. Nothing here reads; whoever assembles it does (`assess`)."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ledger.core import parameters as p
from ledger.core.assessment import Retrieved
from ledger.core.looks import Span
from ledger.core.record import Change, LinkKind, Maybe, Record, RecordBody
from ledger.review.alcoa.attributes import Verdict

V = TypeVar("V", bound=p.Value)


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A record as the log has it: the `record` of its `body`, when it happened (`span`; None: its source names no
    instant), and the instant by which maps and parameters are asked (`moment_us`).
    """

    index: int
    logged_us: int
    body: RecordBody
    record: Record
    span: Span | None
    moment_us: int

    @property
    def about(self) -> Span:
        """When it happened; without an instant of its source's the moment by which it is judged."""
        return self.span or Span(low_us=self.moment_us, high_us=self.moment_us, measured=False)

    def ids(self, kind: LinkKind) -> list[str]:
        """The things of a kind that the record names."""
        return [link.id for link in self.record.links if link.kind is kind]


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the account was: a person, a service or a device (`id`), or why nobody's (`fault`)."""

    id: str | None = None
    fault: Verdict | None = None


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """The same person, or else the same account, at a terminal, by an entry."""

    span: Span
    workstation: str
    entry: int = -1


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    """Another record of the same series: the number, the times that it bears, and its entry."""

    number: int
    occurred_us: int | None
    recorded_us: int | None
    entry: int = -1


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record stands in its source's numbers: its own, the record before, and whether its number is given to
    another too.
    """

    number: int
    before: Numbered | None
    again: bool


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """What stood in an attribute before a change: `new` of the last change before it, which record `entry` tells.
    `known` false: which one that is cannot be told; `found` false: there is none.
    """

    known: bool
    found: bool = False
    new: Maybe = msgspec.UNSET
    entry: int = -1


class Companions(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a companion is there; where it is not, whether its source's time is known all around the record."""

    there: bool
    covered: bool


class Footed(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a total, as other records tell them: how many there are, and the value of each that is summed up.

    `named` false: the total's record has no link by which they could be found; `known` false: which of them came before
    it cannot be told; `covered`: nothing of their source's time is unknown.
    """

    count: int
    values: Sequence[Maybe]
    named: bool
    known: bool
    covered: bool


class Anchoring(msgspec.Struct, frozen=True, kw_only=True):
    """How long after a record was logged somebody outside first vouched for a checkpoint over it (`after_us`; None:
    nobody has), and how long it has had time for that.
    """

    after_us: int | None
    waited_us: int


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """Separate copies of the ledger that are stated to be there, by how long ago each was stated."""

    ages_us: tuple[int, ...]


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record leads besides what it names: to equipment by the map, to a batch by an interval in which it had
    the equipment. `ruled`: a rule says what belongs to a batch for all of that equipment, or one was found.
    """

    equipment: bool
    batch: bool
    ruled: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All that the checks go by for one record.

    `owner`: None where it turns on which instant of its span it happened at; `mapped`: there is an identity map of the
    source. `sightings`: of the same person nearby in time. `original`: what deriving the record from its original came
    to; `copied`: it came by an import that was stated, and signed, to be a true copy. `counted`: whether its source's
    own count of that time is the log's; None: nobody counted. `previous` stands by `record.changes`. `corroborating`:
    values that another source gives of that time. `footed`: only where a total's parts are records of their own.
    `path`: only where the profile asks for what the record does not name. `anchoring`: None where nobody outside ever
    vouched for any checkpoint of the log. `verified`: whether the newest verification that reached it holds; None: none
    did. `retrieved`: what was measured last of records of its source. `signed`: a signature covers it.
    """

    told: Told
    rules: Mapping[type[Any], p.Value]
    mapped: bool
    owner: Owner | None
    sightings: Sequence[Sighting]
    original: Verdict
    copied: bool
    counted: bool | None
    series: Series | None
    previous: Sequence[Previous]
    companions: Sequence[Companions]
    corroborating: Sequence[Maybe]
    footed: Footed | None
    path: Path
    anchoring: Anchoring | None
    verified: bool | None
    copies: Copies
    retrieved: Sequence[Retrieved]
    signed: bool

    def value(self, kind: type[V]) -> V | None:
        """The parameter of that sort which holds for the record; None: nobody has set one."""
        found = self.rules.get(kind)
        return found if isinstance(found, kind) else None

    def linked(self, kind: LinkKind) -> bool:
        """Whether the record names something of that kind."""
        return any(link.kind is kind for link in self.told.record.links)

    def told_of(self, attribute: str) -> Sequence[Change]:
        """The changes of an attribute that tell a new value."""
        changes = self.told.record.changes
        return [
            one
            for one in changes
            if one.attribute == attribute and one.new is not msgspec.UNSET and one.new is not None
        ]
