"""The assessment of records: what the log knows of them as of a size, and the verdict of each check."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Final, TypeVar

import msgspec
from sqlalchemy import Connection

from ledger.core import parameters as p
from ledger.core.digests import Digests
from ledger.core.kinds import KindRegistry
from ledger.core.record import LinkKind, Maybe
from ledger.review.alcoa.attributes import Verdict
from ledger.review.alcoa.checks import judged
from ledger.review.alcoa.facts import Anchoring, Companions, Facts, Path, Told
from ledger.review.alcoa.known.derived import Derive, derived
from ledger.review.alcoa.known.maps import Accounts
from ledger.review.alcoa.known.near import Near
from ledger.review.alcoa.known.numbers import Numbers
from ledger.review.alcoa.known.order import Order
from ledger.review.alcoa.known.paths import Paths
from ledger.review.alcoa.known.records import Records
from ledger.review.alcoa.known.rules import Rules
from ledger.review.alcoa.known.sightings import sightings
from ledger.review.alcoa.known.steps import Steps
from ledger.sources.parameters import Parameters
from ledger.store.search import require_members

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
        self._connection = connection
        self.means = means
        self._log = log
        self._size = size
        self._records = Records(connection, log)
        self._rules = Rules(connection, means.parameters, log, size)
        self._order = Order(self._wraps)
        self._steps: dict[str, Steps] = {}

    def assess(self, indices: Iterable[int]) -> Iterator[Assessed]:
        """The verdicts on these records of the log, below its size; what was disposed of is left out.

        All that those of a source and a time are judged by is read at once: give some hundreds.
        """
        told = sorted(self._records.told(indices).values(), key=lambda one: (one.record.source, one.moment_us))
        for (source, _), records in groupby(told, key=lambda one: (one.record.source, one.moment_us // _TOGETHER_US)):
            for facts in self._facts(source, list(records)):
                yield Assessed(index=facts.told.index, cells=judged(facts))

    def _facts(self, source: str, records: Sequence[Told]) -> Iterator[Facts]:
        owners = {one.index: self._accounts.owner(source, one.record.actor, one.about) for one in records}
        mapped = self._accounts.mapped(source)
        travelling = self._asked(records, p.Travel)
        seen = sightings(
            self._connection,
            self._log,
            self._size,
            self._records,
            self._accounts,
            [(one, owners[one.index], table) for one, table in travelling if _at_terminal(one)],
        )
        originals = derived(self._connection, self._log, self.means.digests, self.means.derive, records)
        numbers = Numbers(self._connection, self._log, self._size, source)
        series = numbers.of((one, self._wraps(one)) for one in records)
        if source not in self._steps:
            self._steps[source] = Steps(self._connection, self._log, self._size, self._records, source, self._order)
        previous = self._steps[source].before(records)
        companions = self._companions(records)
        corroborating = self._corroborating(records)
        for one in records:
            yield Facts(
                told=one,
                rule=self._rules.of(source, one.record.object.type, one.moment_us),
                mapped=mapped,
                owner=owners[one.index],
                sightings=seen.get(one.index, ()),
                original=originals[one.index],
                series=series.get(one.index),
                previous=previous[one.index],
                companions=companions.get(one.index, ()),
                corroborating=corroborating.get(one.index, ()),
                path=self._path(one),
                anchoring=self._anchoring(one),
            )

    @cached_property
    def _accounts(self) -> Accounts:
        return Accounts(self._connection, self._log, self._size)

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self._connection, self._log, self._size, self._rules)

    @cached_property
    def _near(self) -> Near:
        return Near(self._connection, self.means.kinds, self._log, self._size, self._records)

    def _value(self, told: Told, kind: type[V]) -> V | None:
        found = self._rules.at(kind, told.record.source, told.record.object.type, told.moment_us)
        return found if isinstance(found, kind) else None

    def _asked(self, records: Iterable[Told], kind: type[V]) -> list[tuple[Told, V]]:
        found = ((one, self._value(one, kind)) for one in records)
        return [(one, value) for one, value in found if value is not None]

    def _wraps(self, told: Told) -> int | None:
        rule = self._value(told, p.Sequence)
        return None if rule is None else rule.wraps

    def _companions(self, records: Sequence[Told]) -> Mapping[int, list[Companions]]:
        asked = [(one, wanted) for one, profile in self._asked(records, p.Profile) for wanted in profile.companions]
        found: dict[int, list[Companions]] = defaultdict(list)
        for (one, _), answer in zip(asked, self._near.companions(asked), strict=True):
            found[one.index].append(answer)
        return found

    def _corroborating(self, records: Sequence[Told]) -> Mapping[int, list[Maybe]]:
        by_rule: dict[p.Corroboration, list[Told]] = defaultdict(list)
        for one, wanted in self._asked(records, p.Corroboration):
            by_rule[wanted].append(one)
        found: dict[int, list[Maybe]] = {}
        for wanted, asked in by_rule.items():
            found.update(self._near.corroborating(wanted, asked))
        return found

    def _path(self, told: Told) -> Path:
        profile = self._value(told, p.Profile)
        named = {link.kind for link in told.record.links}
        wanted = () if profile is None else [kind for kind in profile.links if kind in _FOUND and kind not in named]
        return self._paths.of(told) if wanted else _NOWHERE

    def _anchoring(self, told: Told) -> Anchoring | None:
        return None


def _at_terminal(told: Told) -> bool:
    return told.record.actor.workstation is not None and told.record.actor.account is not None
