"""What rules go by: the records of a log as of a size, and all that maps, parameters and runs say of them by then."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeVar

from sqlalchemy import Connection, select

from ledger.core import parameters as p
from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.errors import NotFound
from ledger.core.kinds import KindRegistry
from ledger.core.looks import Span
from ledger.core.record import Action, Actor, ActorKind, LinkKind
from ledger.review.known.cases import Cases, Elsewhere
from ledger.review.known.changed import Around, changed
from ledger.review.known.decided import Decided
from ledger.review.known.facts import Owner, Previous, Series, Told
from ledger.review.known.maps import Accounts
from ledger.review.known.nearby import Nearby
from ledger.review.known.numbers import Numbers
from ledger.review.known.order import Order
from ledger.review.known.places import SignIn, sign_ins
from ledger.review.known.reach import Reach
from ledger.review.known.reconciled import Break, breaks
from ledger.review.known.records import Records
from ledger.review.known.rows import there, within
from ledger.review.known.rules import Rules
from ledger.review.known.sightings import Sightings
from ledger.review.known.speaking import Speaking
from ledger.review.known.steps import Steps
from ledger.review.known.systems import Classes, Systems
from ledger.signing.performers import Performers
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Stretch, cover
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.changes import Thing
from ledger.store.matching import require_members
from ledger.store.objects import records_of
from ledger.store.position import index_of
from ledger.trace.assets import Assets
from ledger.trace.bodies import of_log
from ledger.trace.membership import Batches

V = TypeVar("V", bound=p.Value)
_AHEAD_US: Final = 15 * 60 * MICROSECONDS
_AT_ONCE: Final = 500
"""Ids that one question names."""
_MOST: Final = 40_000
"""Records of which the assets are kept at hand."""
_LONG_US: Final = 2**60


class Sight(StrEnum):
    """What is known of a stretch of a source's time."""

    WHOLE = "whole"
    NOT_YET = "not-yet"
    """Its end is later than what the source's runs reach; what they reach is known."""
    BROKEN = "broken"
    """The source was not reached, or could not tell, or was not collected yet."""


class Known:
    """In one snapshot; for one thread. The same size gives the same, whatever came after."""

    def __init__(
        self,
        connection: Connection,
        kinds: KindRegistry,
        parameters: Parameters,
        log: int,
        size: int,
        low: int = 0,
        reach: Reach | None = None,
    ) -> None:
        """`low`: what is new begins there; `reach`: of all records below the size.

        Raises ConfigError where the tables are of an earlier version.
        """
        require_members(connection, "when they happened")
        self.connection = connection
        self.log = log
        self.size = size
        self.low = low
        self._assets_of: dict[int, list[str]] = {}
        self._kinds = kinds
        self._records = Records(connection, log)
        self._rules = Rules(connection, parameters, log, size)
        self.order = Order(self._wraps)
        self._systems = Systems(connection, log, size, self._rules)
        self.reach = reach or Reach()
        self._steps: dict[str, Steps] = {}
        self._stretches: dict[str, tuple[Stretch, ...]] = {}
        self._ever: dict[tuple[str, frozenset[Action]], bool] = {}

    def told(self, indices: Iterable[int]) -> list[Told]:
        """The records of these entries that are there, in the order of the log."""
        found = self._records.told(sorted(set(indices)))
        return [found[index] for index in sorted(found)]

    def value(self, told: Told, kind: type[V]) -> V | None:
        """The parameter of that sort which holds for a record; None: nobody has set one."""
        found = self._rules.at(kind, told.record.source, told.record.object.type, told.moment_us)
        return found if isinstance(found, kind) else None

    def systems(self, classes: Classes, moment_us: int) -> tuple[str, ...]:
        """The connected systems that are of one of these classes at a moment, in order."""
        return self._systems.of(classes, moment_us)

    def connected(self, classes: Classes) -> tuple[str, ...]:
        """The systems that are of one of these classes at any time, in order."""
        return self._systems.ever(classes)

    def is_of(self, told: Told, classes: Classes) -> bool:
        """Whether a record is of a system of one of these classes."""
        return told.record.source in self._systems.of(classes, told.moment_us)

    def lacking(self, needs: Sequence[Classes], moment_us: int | None = None) -> str | None:
        """Of what classes nothing is connected at a moment (None: at any time), as a code; None: all are there."""
        for classes in needs:
            there = self._systems.ever(classes) if moment_us is None else self._systems.of(classes, moment_us)
            if not there:
                return f"no-{'-or-'.join(one.value for one in classes)}"
        return None

    def owner(self, told: Told, actor: Actor | None = None) -> Owner | None:
        """Whose the account of a record was; None where that turns on which instant it happened at.

        `actor`: another account of its source, that it names.
        """
        return self._accounts.owner(told.record.source, actor or told.record.actor, told.about)

    def who(self, told: Told, actor: Actor | None = None) -> tuple[str, str] | None:
        """The person whose account it was, else the account by itself; None: nobody's, or one of several persons'."""
        source, account = told.record.source, (actor or told.record.actor).account
        if account is None:
            return None
        if not self.mapped(source):
            return source, account
        owner = self.owner(told, actor)
        return None if owner is None or owner.id is None else ("", owner.id)

    def performers(self, accounts: Iterable[tuple[str, str]], about: Span) -> Performers:
        """Whose these accounts of sources were at a time."""
        people, others = set[str](), set[str]()
        for source, account in accounts:
            owner = self._accounts.owner(source, Actor(account=account, kind=ActorKind.PERSON), about)
            if owner is None or owner.id is None:
                others.add(f"{source}:{account}")
            else:
                people.add(owner.id)
        return Performers(names=frozenset(people | others), unresolved=len(others))

    def ended(self, told: Told) -> bool:
        """Whether the account of a record was somebody's once, and nobody's any more when it happened."""
        account = told.record.actor.account
        return account is not None and self._accounts.ended(told.record.source, account, told.about)

    def acts_of(self, persons: Collection[str], low_us: int, high_us: int) -> Iterator[int]:
        """The records of these persons' accounts that can have happened between two instants, and some around it."""
        accounts = {account for person in persons for account in self._accounts.of_person.get(person, ())}
        sources = sorted({one for one, _ in accounts})
        reach = max((self.reach.over(source, low_us, high_us) for source in sources), default=0)
        low, high = max(low_us - reach, self.assets.bounds[0]), min(high_us + reach, self.assets.bounds[1])
        row = schema.record.c
        chosen = select(row.pos, row.source, row.actor).where(within(self.log, self.size, low, high, sources))
        names = sorted({name for _, name in accounts})
        chosen = chosen.where(row.actor.in_(names) if len(names) <= _AT_ONCE else row.actor.is_not(None))
        for pos, source, actor in self.connection.execute(chosen) if accounts else ():
            if (source, actor) in accounts:
                yield index_of(pos)

    def previous(self, records: Sequence[Told]) -> Mapping[int, list[Previous]]:
        """For each record by its index, what stood before each of its changes."""
        found: dict[int, list[Previous]] = {}
        for source, its in _by_source(records).items():
            found.update(self._steps_of(source).before(its))
        return found

    def changed_after(self, records: Sequence[Told]) -> Iterator[int]:
        """The records of which `previous` may be another with one of these than without it."""
        for source, its in _by_source(records).items():
            yield from self._steps_of(source).touched(its)

    def of_objects(self, records: Iterable[Told]) -> Mapping[Thing, list[int]]:
        """The records of the objects of these, in the order of the log."""
        things = {_thing(told) for told in records}
        found = defaultdict[Thing, list[int]](list)
        for thing, pos in records_of(self.connection, self.log, self.size, sorted(things)):
            found[thing].append(index_of(pos))
        return {thing: sorted(entries) for thing, entries in found.items()}

    def series(self, records: Sequence[Told]) -> Mapping[int, Series]:
        """Where those of these records that have a number stand in their source's series, by index."""
        return {
            index: one
            for source, its in _by_source(records).items()
            for index, one in self._numbers(source).of((told, self._wraps(told)) for told in its).items()
        }

    def numbered_after(self, records: Sequence[Told]) -> Iterator[int]:
        """The records that bear the next greater number of the same series than one of these."""
        for source, its in _by_source(records).items():
            yield from self._numbers(source).next_after(its)

    def not_before(self, told: Sequence[Told], of: Elsewhere) -> Iterator[int]:
        """The records of these systems and types, but new ones, that may not lie before all of these.

        Nothing is received before it happened: what a clock says otherwise is for rules to leave alone (`ahead`).
        """
        if not told or not self.low:
            return
        since = min(one.about.low_us for one in told) - _AHEAD_US
        row = schema.record.c
        found = select(row.pos).where(
            row.received_us >= since, row.source.in_(of.sources), row.object_type.in_(sorted(of.types)),
            *there(self.log, self.low),
        )  # fmt: skip
        yield from map(index_of, self.connection.scalars(found))

    def ahead(self, told: Told) -> bool:
        """Whether a record may have happened long after it was received, as no clock that is right can say."""
        return told.about.high_us > parse_utc(told.body.received_at) + _AHEAD_US

    def linking(
        self,
        kind: LinkKind,
        ids: Iterable[str],
        of: Elsewhere | None = None,
        between: tuple[int, int] | None = None,
    ) -> Mapping[str, list[int]]:
        """The records that belong to these of a kind, by id, in the order of the log; with `of` those of it only, and
        with `between` those whose moments lie between two instants.
        """
        link, record, found = schema.record_link.c, schema.record.c, defaultdict[str, list[int]](list)
        wanted = sorted(set(ids))
        for at in range(0, len(wanted), _AT_ONCE):
            chosen = select(link.id, link.pos).where(
                link.kind == kind, link.id.in_(wanted[at : at + _AT_ONCE]), of_log(link.pos, self.log, self.size)
            )
            if between is not None:
                chosen = chosen.where(link.at_us.between(*between))
            if of is not None:
                # The links first: a database may think it less to ask of each record of a type for all the ids.
                linked = chosen.cte("linked").prefix_with("MATERIALIZED")
                chosen = select(linked.c.id, linked.c.pos).join(schema.record, record.pos == linked.c.pos)
                chosen = chosen.where(record.source.in_(of.sources), record.object_type.in_(sorted(of.types)))
            for id_, pos in self.connection.execute(chosen.order_by(chosen.selected_columns.pos)):
                found[id_].append(index_of(pos))
        return found

    def changing(
        self, of: Elsewhere, attributes: Collection[str], around: Iterable[Told], back_us: int, on_us: int
    ) -> list[Told]:
        """The records of these systems and types that change one of these attributes near one of these (`changed`)."""
        near = Around(around, back_us, on_us, self.reach)
        return self.told(changed(self.connection, self.log, self.size, of, attributes, near))

    def ever(self, source: str, actions: Collection[Action]) -> bool:
        """Whether a source ever told of one of these actions."""
        key = source, frozenset(actions)
        if key not in self._ever:
            row = schema.record.c
            held = row.source == source, row.action.in_(sorted(actions)), *there(self.log, self.size)
            self._ever[key] = self.connection.scalar(select(row.pos).where(*held).limit(1)) is not None
        return self._ever[key]

    def critical(self, told: Told) -> bool:
        """Whether a record concerns an asset that the map calls critical at its moment."""
        return self._any_critical and any(self.assets.critical(one, told.moment_us) for one in self.assets_of(told))

    def assets_of(self, told: Told) -> list[str]:
        """The assets that a record concerns, by its links or by the map."""
        found = self._assets_of.get(told.index)
        if found is None:
            if len(self._assets_of) >= _MOST:
                self._assets_of.clear()
            found = self._assets_of[told.index] = [asset for asset, _ in self.assets.of(told.body)]
        return found

    def every(self, kind: type[V]) -> list[V]:
        """All values that are set for a parameter, whatever they hold for."""
        return [one.value for one in self._rules.held(p.NAMES[kind]) if isinstance(one.value, kind)]

    def of_sources(self, kind: type[V]) -> list[tuple[str, V]]:
        """All values that are set for a parameter, each with its source: what is set for all, with each of them."""
        held = [(one.source, one.value) for one in self._rules.held(p.NAMES[kind]) if isinstance(one.value, kind)]
        return [
            (name, value)
            for source, value in held
            for name in ((source,) if source is not None else self._systems.registered)
        ]

    @cached_property
    def speaking(self) -> Speaking:
        """When sources speak."""
        return Speaking(self.connection, self.log, self.size, self.assets.bounds)

    @cached_property
    def batches(self) -> Batches:
        """Which batches had which equipment."""
        return Batches(self.assets)

    @cached_property
    def decided(self) -> Decided:
        """What the ledger itself has on batches."""
        return Decided(self.connection, self.log, self.size)

    @cached_property
    def breaks(self) -> Mapping[int, list[Break]]:
        """What sources count otherwise than the log, by the record that stands for it."""
        found = defaultdict[int, list[Break]](list)
        for one in breaks(self.connection, self._kinds, self.log, self.size):
            found[one.anchor].append(one)
        return found

    @cached_property
    def cases(self) -> Cases:
        """The cases of other systems."""
        return Cases(self.connection, self.log, self.size, self._records, self.assets.bounds, self.reach)

    @cached_property
    def nearby(self) -> Nearby:
        """The records around others."""
        return Nearby(self.connection, self.log, self.size, self._records, self.reach)

    @cached_property
    def sightings(self) -> Sightings:
        """Who was seen where."""
        return Sightings(self.connection, self.log, self.size, self._records, self._accounts)

    def sign_ins(self, source: str, accounts: Collection[str]) -> Mapping[str, list[SignIn]]:
        """When and from where these accounts of a source ever signed in, in order of time."""
        return sign_ins(self.connection, self.log, self.size, source, accounts)

    def mapped(self, source: str) -> bool:
        """Whether there is an identity map of a source's accounts at all."""
        return self._accounts.mapped(source)

    def sight(self, source: str, low_us: int, high_us: int) -> Sight:
        """What is known of a source's time between two instants."""
        if source not in self._stretches:
            self._stretches[source] = self._covered(source)
        states = {one.state for one in self._stretches[source] if one.low_us <= high_us and one.high_us > low_us}
        if states - {Coverage.COVERED, Coverage.NOT_YET}:
            return Sight.BROKEN
        return Sight.NOT_YET if Coverage.NOT_YET in states or not states else Sight.WHOLE

    def _steps_of(self, source: str) -> Steps:
        if source not in self._steps:
            self._steps[source] = Steps(
                self.connection, self.log, self.size, self._records, source, self.order, self.reach
            )
        return self._steps[source]

    @cached_property
    def _any_critical(self) -> bool:
        return bool(self.assets.ever_critical())

    @cached_property
    def assets(self) -> Assets:
        """The asset map."""
        return Assets(self.connection, self.log, self.size)

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self.connection, self.log, self.size)

    def _covered(self, source: str) -> tuple[Stretch, ...]:
        try:
            return cover(self.connection, self._kinds, self.log, self.size, source, -_LONG_US, _LONG_US).stretches
        except NotFound:
            return ()

    def _numbers(self, source: str) -> Numbers:
        return Numbers(self.connection, self.log, self.size, source)

    def _wraps(self, told: Told) -> int | None:
        rule = self.value(told, p.Sequence)
        return None if rule is None else rule.wraps


def _by_source(records: Iterable[Told]) -> Mapping[str, list[Told]]:
    found = defaultdict[str, list[Told]](list)
    for told in records:
        found[told.record.source].append(told)
    return found


def _thing(told: Told) -> Thing:
    record = told.record
    return Thing(record.source, record.object.type, record.object.id)
