"""Violations planted in a plant's month: each is found, and nothing else, in whatever order it all arrives."""

import pytest

from ledger.review.rules import rules
from tests.integration.plant.violating import NOW, Violating, hold
from tests.plant.violations import Corpus
from tests.plant.violations.corpus import plantings
from tests.support.ledgers import Ledger, MovableClock
from tests.support.seeds import SEED

EACH = 5
"""Violations and near misses of each rule; of a rule with more sorts of them one of each sort."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus(SEED, EACH)


def test_every_rule_has_violations_and_near_misses() -> None:
    assert set(plantings()) == set(rules())


@pytest.mark.timeout(300)
def test_every_violation_is_found_and_nothing_else_whatever_the_order_of_arrival(
    ledger: Ledger, corpus: Corpus, clock: MovableClock
) -> None:
    clock.at_us = NOW
    violating = Violating(ledger, corpus, SEED + len(ledger.dialect), looks=3)
    hold(violating, corpus)
    assert violating.closed.total() > 0, "what came late closed nothing"
