"""The parts of totals, as other records of the log tell them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import UNSET

from ledger.core.clock import MICROSECONDS
from ledger.core.parameters import Parts
from ledger.core.record import Action, LinkKind, Maybe
from ledger.review.known.facts import Footed, Told
from ledger.review.known.near import Near, apart, around, whole
from ledger.review.known.order import Order


class Footing:
    """Of a log as of a size."""

    def __init__(self, near: Near, order: Order) -> None:
        self._near = near
        self._order = order

    def of(self, wanted: Parts, asked: Sequence[Told]) -> Iterator[tuple[int, Footed]]:
        """For each record, by its index, the parts of the total that it tells: of each object what stood before it."""
        within_us = wanted.within_s * MICROSECONDS
        low, high = around(asked, within_us)
        names = {name for told in asked for name in _names(told, wanted)}
        linking = self._near.linking(wanted.source, wanted.object_type, names, low, high)
        covered = self._near.cover(wanted.source, low, high + 1)
        for told in asked:
            about, named = told.about, _names(told, wanted)
            others = {other.index: other for name in named for other in linking.get(name, ())}
            near = [
                other
                for index, other in others.items()
                if index != told.index and apart(about, other.about) <= within_us and _tells(other, wanted.attribute)
            ]
            parts = self._parts(told, near)
            yield (
                told.index,
                Footed(
                    count=len(parts or ()),
                    values=[_new(one, wanted.attribute) for one in parts or () if wanted.attribute is not None],
                    named=bool(named),
                    known=parts is not None,
                    covered=covered is not None and whole(covered, about.low_us - within_us, about.high_us + 1),
                ),
            )

    def _parts(self, told: Told, near: Iterable[Told]) -> list[Told] | None:
        """Of each object the last record before the total's, unless it removes the object; None where clocks leave open
        which that is.
        """
        objects: dict[str, list[Told]] = defaultdict(list)
        for other in near:
            first = self._order.first(told, other)
            if first is None:
                return None
            if first is other:
                objects[other.record.object.id].append(other)
        found = []
        for steps in objects.values():
            last = self._last(steps)
            if last is None:
                return None
            if last.record.action is not Action.DELETE:
                found.append(last)
        return found

    def _last(self, steps: Sequence[Told]) -> Told | None:
        """The one that all others were before; None where that cannot be told."""
        first, latest = self._order.first, steps[0]
        for one in steps[1:]:
            if first(one, latest) is not one:
                latest = one
        return latest if all(one is latest or first(one, latest) is one for one in steps) else None


def _names(told: Told, wanted: Parts) -> list[tuple[LinkKind, str]]:
    return [(link.kind, link.id) for link in told.record.links if link.kind is wanted.link]


def _tells(one: Told, attribute: str | None) -> bool:
    """Whether a record says something of what is summed up, or counted."""
    return attribute is None or one.record.action is Action.DELETE or _new(one, attribute) is not UNSET


def _new(one: Told, attribute: str | None) -> Maybe:
    changes = reversed(one.record.changes)
    return next((change.new for change in changes if change.attribute == attribute), UNSET)
