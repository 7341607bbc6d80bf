"""Of tests in many cases, each in several ways (on either database), `make test` runs a sample; `make soak` runs all.

A file or a test says so by `@pytest.mark.sampled` (the ways are the databases) or `@pytest.mark.sampled("share")` (the
ways are the values of that parameter). Each case is run in one way at least, and each kind of case in every way: a kind
is a test with several cases, or all tests of a file that have one. Which way is drawn from the seed (`TRAILSEAL_SEED`).

Of a test whose cases all go the same way, `@pytest.mark.few(share)` runs one case in `share`; over all tests of a file
that have the same cases each case is run equally often.
"""

import math
import os
import random
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence, Set
from itertools import count
from typing import Final, TypeVar

import pytest

from tests.support.seeds import SEED

DATABASES: Final = frozenset({"sqlite", "postgresql"})
WHOLE: Final = "TRAILSEAL_SOAK" in os.environ

Way = tuple[object, ...]
Case = TypeVar("Case", bound=Hashable)
Item = TypeVar("Item")


def draw(ways: Mapping[Case, Set[Way]], chance: random.Random) -> set[tuple[Case, Way]]:
    """Pairs of a case and one of its ways: each case is in one, and each way that any case has, as far as they go."""
    drawn = {(case, way) for case, possible in ways.items() if len(possible) == 1 for way in possible}
    cases = [case for case, possible in ways.items() if len(possible) > 1]
    every = sorted({way for case in cases for way in ways[case]}, key=repr)
    chance.shuffle(cases)
    chance.shuffle(every)
    for number in range(max(len(cases), len(every)) if cases else 0):
        case = cases[number % len(cases)]
        nearest = (every[(number + further) % len(every)] for further in count())
        drawn.add((case, next(way for way in nearest if way in ways[case])))
    return drawn


def one_in(share: int, of: Sequence[Item]) -> Sequence[Item]:
    """Of what a test tries one after the other: one in `share`, drawn from the seed, in its order; in a soak all."""
    if WHOLE:
        return of
    return [of[place] for place in sorted(random.Random(SEED).sample(range(len(of)), math.ceil(len(of) / share)))]


def pytest_report_header() -> str:
    """Says what was drawn from, and how to draw otherwise."""
    return "sampled: nothing is left out" if WHOLE else f"sampled: seed {SEED} (TRAILSEAL_SEED)"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what was not drawn."""
    if WHOLE:
        return
    left_out = {*_left_out(items, SEED), *_not_among_few(items, SEED)}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]


def _left_out(items: list[pytest.Item], seed: int) -> Iterator[pytest.Item]:
    placed = {item: place for item in items if (place := _placed(item)) is not None}
    cases: dict[str, set[Hashable]] = defaultdict(set)
    for test, case, _ in placed.values():
        cases[test].add(case)
    kinds: dict[str, dict[Hashable, set[Way]]] = defaultdict(lambda: defaultdict(set))
    kind_of = {test: test if len(found) > 1 else test.partition("::")[0] for test, found in cases.items()}
    for test, case, way in placed.values():
        kinds[kind_of[test]][test, case].add(way)
    drawn = {kind: draw(ways, random.Random(f"{seed} {kind}")) for kind, ways in kinds.items()}
    for item, (test, case, way) in placed.items():
        if ((test, case), way) not in drawn[kind_of[test]]:
            yield item


def _not_among_few(items: list[pytest.Item], seed: int) -> Iterator[pytest.Item]:
    by_test: dict[str, list[pytest.Item]] = defaultdict(list)
    shares = {}
    for item in items:
        mark = item.get_closest_marker("few")
        if mark is not None and hasattr(item, "callspec"):
            test = item.nodeid.partition("[")[0]
            by_test[test].append(item)
            (shares[test],) = mark.args
    for turn, test in enumerate(sorted(by_test)):
        cases = sorted(by_test[test], key=lambda item: item.nodeid.partition("[")[2])
        random.Random(seed).shuffle(cases)
        yield from (item for place, item in enumerate(cases) if (place + turn) % shares[test])


def _placed(item: pytest.Item) -> tuple[str, Hashable, Way] | None:
    """The test of an item, its case and its way, if it is one of several ways to be drawn from."""
    mark, parameters = item.get_closest_marker("sampled"), getattr(item, "callspec", None)
    if mark is None or parameters is None:
        return None
    given: dict[str, object] = parameters.params
    of_databases = (name for name, value in given.items() if isinstance(value, str) and value in DATABASES)
    named = mark.args or tuple(of_databases)
    if not named or not given.keys() >= {*named}:
        return None
    # Of the same value it is the same object in all ways; its index is not.
    rest = tuple(sorted((name, id(value)) for name, value in given.items() if name not in named))
    return item.nodeid.partition("[")[0], rest, tuple(given[name] for name in named)
