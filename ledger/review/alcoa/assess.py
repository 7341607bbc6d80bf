"""The assessment of records: what the log knows of them as of a size, and the verdict of each check."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection

from ledger.core import parameters as p
from ledger.core.assessment import Retrieved
from ledger.core.digests import Digests
from ledger.core.kinds import KindRegistry
from ledger.core.record import LinkKind, Maybe
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.checks import judged
from ledger.review.known.counted import Counts
from ledger.review.known.derived import Derive, derived
from ledger.review.known.facts import Companions, Facts, Footed, Path, Told
from ledger.review.known.footing import Footing
from ledger.review.known.maps import Accounts
from ledger.review.known.near import Near
from ledger.review.known.numbers import Numbers
from ledger.review.known.order import Order
from ledger.review.known.outside import Outside
from ledger.review.known.paths import Paths
from ledger.review.known.reach import Reach
from ledger.review.known.records import Records
from ledger.review.known.retrieval import newest
from ledger.review.known.rules import Ruled, Rules
from ledger.review.known.sightings import Sightings
from ledger.review.known.steps import Steps
from ledger.sources.parameters import Parameters
from ledger.store.matching import require_members

V = TypeVar("V", bound=p.Value)
_TOGETHER_US: Final = 7 * 86_400_000_000
"""Records of a source that lie further apart are judged by themselves: what is around each is read for all."""
_FOUND: Final = (LinkKind.BATCH, LinkKind.EQUIPMENT)
"""What a record can lead to without naming it."""
_NOWHERE: Final = Path(equipment=False, batch=False, ruled=True)


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger judges by besides entries: how a record is derived from its original, and the keyed digests."""

    kinds: KindRegistry
    parameters: Parameters
    derive: Derive
    digests: Digests


class Assessed(msgspec.Struct, frozen=True, kw_only=True):
    """A record and the verdicts on it, in the order of the checks."""

    index: int
    cells: tuple[Verdict, ...]


class Assessor:
    """Judges the records of a log as of a size, in one snapshot: the same size gives the same verdicts, whatever came
    after, and in whatever order it had come.
    """

    def __init__(self, connection: Connection, means: Means, log: int, size: int) -> None:
        """Raises ConfigError where the tables are of an earlier version."""
        require_members(connection, "when they happened")
        self.connection = connection
        self.means = means
        self.log = log
        self.size = size
        self._records = Records(connection, log)
        self._rules = Rules(connection, means.parameters, log, size)
        self._order = Order(self._wraps)
        self._steps: dict[str, Steps] = {}
        self._counts: dict[str, Counts] = {}

    def assess(self, indices: Iterable[int]) -> Iterator[Assessed]:
        """The verdicts on these records of the log, below its size; what was disposed of is left out.

        All that those of a source and a time are judged by is read at once: give some hundreds.
        """
        told = sorted(self._records.told(indices).values(), key=lambda one: (one.record.source, one.moment_us))
        for (source, _), records in groupby(told, key=lambda one: (one.record.source, one.moment_us // _TOGETHER_US)):
            for facts in self._facts(source, list(records)):
                yield Assessed(index=facts.told.index, cells=judged(facts))

    def _facts(self, source: str, records: Sequence[Told]) -> Iterator[Facts]:
        ruled = [(one, self._rules.of(source, one.record.object.type, one.moment_us)) for one in records]
        owners = {one.index: self._accounts.owner(source, one.record.actor, one.about) for one in records}
        mapped = self._accounts.mapped(source)
        travelling = [(one, owners[one.index], table) for one, table in _asked(ruled, p.Travel) if _at_terminal(one)]
        seen = self._sightings.of(travelling)
        originals = derived(self.connection, self.log, self.means.digests, self.means.derive, records)
        numbers = Numbers(self.connection, self.log, self.size, source)
        series = numbers.of((one, _wraps(rules)) for one, rules in ruled)
        if source not in self._steps:
            self._steps[source] = Steps(
                self.connection, self.log, self.size, self._records, source, self._order, Reach()
            )
        previous = self._steps[source].before(records)
        if source not in self._counts:
            self._counts[source] = Counts(
                self.connection, self.means.kinds, self.log, self.size, source, self._outside.signatures_over
            )
        counts = self._counts[source]
        companions = self._companions(ruled)
        corroborating = self._corroborating(ruled)
        footed = self._footed(ruled)
        signed = self._outside.signed(one.index for one, profile in _asked(ruled, p.Profile) if profile.signature)
        for one, rules in ruled:
            yield Facts(
                told=one,
                rules=rules,
                mapped=mapped,
                owner=owners[one.index],
                sightings=seen.get(one.index, ()),
                original=originals[one.index],
                copied=counts.copied(one),
                counted=counts.counted(one),
                series=series.get(one.index),
                previous=previous[one.index],
                companions=companions.get(one.index, ()),
                corroborating=corroborating.get(one.index, ()),
                footed=footed.get(one.index),
                path=self._path(one, rules),
                anchoring=self._outside.anchoring(one.index, one.logged_us),
                verified=self._outside.verified(one.index),
                copies=self._outside.copies,
                retrieved=self._retrieved.get(source, ()),
                signed=one.index in signed,
            )

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self.connection, self.log, self.size)

    @cached_property
    def _sightings(self) -> Sightings:
        return Sightings(self.connection, self.log, self.size, self._records, self._accounts)

    @cached_property
    def _outside(self) -> Outside:
        return Outside(self.connection, self.log, self.size)

    @cached_property
    def _retrieved(self) -> Mapping[str, Sequence[Retrieved]]:
        return newest(self.connection, self.log, self.size)

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.connection, self.log, self.size, self._rules)

    @cached_property
    def _near(self) -> Near:
        return Near(self.connection, self.means.kinds, self.log, self.size, self._records)

    @cached_property
    def _footing(self) -> Footing:
        return Footing(self._near, self._order)

    def _wraps(self, told: Told) -> int | None:
        return _wraps(self._rules.of(told.record.source, told.record.object.type, told.moment_us))

    def _companions(self, ruled: Sequence[tuple[Told, Ruled]]) -> Mapping[int, list[Companions]]:
        asked = [(one, wanted) for one, profile in _asked(ruled, p.Profile) for wanted in profile.companions]
        found: dict[int, list[Companions]] = defaultdict(list)
        for (one, _), answer in zip(asked, self._near.companions(asked), strict=True):
            found[one.index].append(answer)
        return found

    def _corroborating(self, ruled: Sequence[tuple[Told, Ruled]]) -> Mapping[int, list[Maybe]]:
        by_rule: dict[p.Corroboration, list[Told]] = defaultdict(list)
        for one, wanted in _asked(ruled, p.Corroboration):
            by_rule[wanted].append(one)
        found: dict[int, list[Maybe]] = {}
        for wanted, asked in by_rule.items():
            found.update(self._near.corroborating(wanted, asked))
        return found

    def _footed(self, ruled: Sequence[tuple[Told, Ruled]]) -> Mapping[int, Footed]:
        by_parts: dict[p.Parts, list[Told]] = defaultdict(list)
        for one, rule in _asked(ruled, p.CrossFooting):
            if rule.parts is not None and any(change.attribute == rule.attribute for change in one.record.changes):
                by_parts[rule.parts].append(one)
        return dict(one for parts, asked in by_parts.items() for one in self._footing.of(parts, asked))

    def _path(self, told: Told, rules: Ruled) -> Path:
        profile = _value(rules, p.Profile)
        named = {link.kind for link in told.record.links}
        wanted = () if profile is None else [kind for kind in profile.links if kind in _FOUND and kind not in named]
        return self._paths.of(told) if wanted else _NOWHERE


def _value(rules: Ruled, kind: type[V]) -> V | None:
    found = rules.get(kind)
    return found if isinstance(found, kind) else None


def _asked(ruled: Iterable[tuple[Told, Ruled]], kind: type[V]) -> list[tuple[Told, V]]:
    return [(one, value) for one, rules in ruled if (value := _value(rules, kind)) is not None]


def _wraps(rules: Ruled) -> int | None:
    rule = _value(rules, p.Sequence)
    return None if rule is None else rule.wraps


def _at_terminal(told: Told) -> bool:
    return told.record.actor.workstation is not None and told.record.actor.account is not None
