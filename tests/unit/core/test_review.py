"""What a review draws, and how deep."""

from hashlib import sha256

import pytest

from ledger.core.errors import InvalidEntry
from ledger.core.hashing import b64
from ledger.core.review import Depth, PlanScope, ReviewPlan, drawn
from tests.support.ledgers import AUTHORITY

SEED = b64(bytes(range(32)))


def test_a_seed_draws_those_whose_digest_is_smallest_whatever_order_they_come_in() -> None:
    members = list(range(100, 200))
    digests = {one: sha256(bytes(range(32)) + bytes([0] * 7 + [one])).digest() for one in members}
    wanted = sorted(sorted(members, key=digests.__getitem__)[:7])
    assert drawn(SEED, members, 7) == drawn(SEED, members[::-1], 7) == wanted
    assert drawn(b64(bytes(32)), members, 7) != wanted
    assert drawn(SEED, members, 1000) == members
    assert drawn(SEED, members, 0) == drawn(SEED, [], 7) == []
    with pytest.raises(InvalidEntry):
        drawn("c2VlZA==", members, 7)


@pytest.mark.parametrize(("risk", "depth"), [(1, 0), (2, 3), (5, 3), (6, 30), (9, 30), (None, 30)])
def test_a_plan_is_as_deep_as_the_nearest_risk_below(risk: int | None, depth: int) -> None:
    plan = ReviewPlan(
        plan="batch",
        title="Batch",
        scope=PlanScope.BATCH,
        route="review",
        samples=(Depth(from_risk=2, records=3), Depth(from_risk=6, records=30)),
        reason="SOP 7",
        authority=AUTHORITY,
    )
    assert plan.depth(risk) == depth
