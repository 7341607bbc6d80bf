"""What a plant is made of, and what is told of it. Instants are microseconds UTC by a clock without error.

A `Fact` is one thing that happened (`at`, `action`, `thing`, `changes`) and how its system tells it (the rest). What a
fault alters is what is told, never `at`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from ledger.core.record import Action, ActorKind, LinkKind, Maybe, Outcome
from ledger.core.run import Gap
from ledger.core.times import Clock, Precision

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
DAYS: Final = 31
START: Final = int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * SECOND
END: Final = START + DAYS * DAY
SITE_ZONE: Final = "Europe/Berlin"
"""Its summer time ends within the month."""

UNSAID: Final = msgspec.UNSET
"""Stands for an old or new value that the source does not tell."""


class Thing(NamedTuple):
    """What something was done to, as its source names it."""

    type: str
    id: str


class Change(NamedTuple):
    """One attribute's old and new value, as told; `gap`: more changes lie between two looks than the pair shows."""

    attribute: str
    old: Maybe
    new: Maybe
    unit: str | None = None
    gap: bool = False


Link = tuple[LinkKind, str]


class Fact:
    """One thing that happened, and how its system tells it."""

    __slots__ = (
        "account", "action", "at", "changes", "channel", "claimed", "clock", "delay", "kind", "links", "look", "number",
        "on_behalf_of", "original", "outcome", "precision", "reason", "received", "recorded", "restarts", "sequence",
        "series", "skipped", "source", "thing", "unread", "unread_recorded", "workstation",
    )  # fmt: skip

    def __init__(
        self,
        source: str,
        at: int,
        action: Action,
        thing: Thing,
        account: str | None = None,
        links: tuple[Link, ...] = (),
        changes: tuple[Change, ...] = (),
        *,
        kind: ActorKind = ActorKind.PERSON,
        workstation: str | None = None,
        reason: str | None = None,
        outcome: Outcome = Outcome.SUCCESS,
    ) -> None:
        self.source = source
        self.at = at
        self.action = action
        self.thing = thing
        self.account = account
        self.links = links
        self.changes = changes
        self.kind = kind
        self.workstation = workstation
        self.reason = reason
        self.outcome = outcome
        self.channel: str | None = None
        """By which way somebody worked, such as from afar."""
        self.on_behalf_of: str | None = None
        self.number = -1
        """Its place in the month; set once all facts are known."""
        self.claimed: int | None = None
        """When it happened by the source's clock, at the start of what the precision leaves open; None: not told."""
        self.unread = False
        """Whether the text of it tells no instant: a local time that occurs twice, or none at all."""
        self.precision = Precision.MICROSECOND
        self.recorded: int | None = None
        """When the source wrote it down, by its clock."""
        self.unread_recorded = False
        self.look: tuple[int, int] | None = None
        """The two looks of the collector between which it happened; in place of `claimed`."""
        self.series: str | None = None
        self.sequence: int | None = None
        self.skipped = 0
        """Numbers that the source leaves out before this one; -1: it gives the number before again."""
        self.restarts = False
        """Whether the source's counter begins anew with this one."""
        self.delay = 0
        """How long after it happened a collector can get it."""
        self.received = 0
        self.clock: Clock | None = None
        """The source's clock as measured by the run that brings it."""
        self.original: str | None = "true"
        """`true`: the original yields the record; `other`: it tells another value; `foreign`: of a parser that nobody
        has; None: none is kept.
        """

    def linked(self, kind: LinkKind) -> Iterator[str]:
        """The ids of that kind which the record names."""
        return (id_ for of, id_ in self.links if of is kind)

    @property
    def instant(self) -> int | None:
        """The instant that its text of when it happened tells."""
        return None if self.unread else self.claimed

    @property
    def written(self) -> int | None:
        """The instant that its text of when it was written down tells."""
        return None if self.unread_recorded else self.recorded

    @property
    def moment(self) -> int:
        """The instant by which maps and parameters are asked: claimed, else the later look, else received."""
        claimed = self.instant
        if claimed is not None:
            return claimed
        return self.received if self.look is None else self.look[1]


class AccountRow(NamedTuple):
    """A line of the identity map: whose an account is, from `since` to before `until`."""

    source: str
    account: str
    person: str | None
    kind: ActorKind = ActorKind.PERSON
    since: int = START
    until: int | None = None
    shared: bool = False


class PlaceRow(NamedTuple):
    """A line of the asset map: where a tag, a room or an asset of a source belongs, from `since` to before `until`."""

    source: str
    tag: str
    equipment: str | None
    area: str
    asset_class: str | None = None
    critical: bool = False
    since: int = START
    until: int | None = None


@dataclass(frozen=True)
class Maps:
    """The dated maps. A row of `corrections` stands in place of the one with its source, name and `since`."""

    accounts: Sequence[AccountRow] = ()
    places: Sequence[PlaceRow] = ()
    corrections: Sequence[AccountRow | PlaceRow] = ()

    def corrected(self) -> "Maps":
        """The maps once the corrections are entered."""
        accounts = {(row.source, row.account, row.since): row for row in self.accounts}
        places = {(row.source, row.tag, row.since): row for row in self.places}
        for row in self.corrections:
            if isinstance(row, AccountRow):
                accounts[row.source, row.account, row.since] = row
            else:
                places[row.source, row.tag, row.since] = row
        return Maps(list(accounts.values()), list(places.values()))


class Batch(NamedTuple):
    """A batch and the orders by which it was made."""

    id: str
    orders: tuple[str, ...] = ()


@dataclass
class Run:
    """One run of a source's collector: when, what it brings, and what it could not know."""

    source: str
    began: int
    ended: int
    facts: list[Fact] = field(default_factory=list)
    clock: Clock | None = None
    unreachable: list[tuple[int, int]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class Parameter(NamedTuple):
    """A value by which records are judged: for a source and type, or for all (None), from an instant on (None: always).

    `value` is plain JSON whose members are those of the parameter's name.
    """

    name: str
    source: str | None
    type: str | None
    value: dict[str, Any]
    applies: int | None = None


class Count(NamedTuple):
    """How many records a source counts of what happened from `low` to before `high`, by the instants that it tells."""

    source: str
    low: int
    high: int
    told: int


@dataclass
class Month:
    """All that was told: what the truth is made of. `facts` stand in the order of their numbers, those of a source in
    the order in which it gave them.
    """

    facts: Sequence[Fact]
    runs: Sequence[Run] = ()
    batches: Sequence[Batch] = ()
    maps: Maps = Maps()
    parameters: Sequence[Parameter] = ()
    counts: Sequence[Count] = ()
    """What sources count once all is told; of several of one instant the last one holds."""
    copied: str | None = None
    """A source that was imported from an old system; stated to be a true copy when the maps are corrected."""
