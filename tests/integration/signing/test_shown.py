"""What says that somebody was shown a set is judged again from the log: nobody is shown all of it at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.core.progress import MAX_SHOWN
from ledger.core.workflow import DecisionEntry, DecisionEvent, Step
from ledger.signing.workflows import Workflows
from ledger.store.logs import SYSTEM_LOG
from tests.support.signing import Plant

COUNT = MAX_SHOWN + 20


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A plant where three entries are a set already, so that a small one is told by its runs."""
    made = Plant(tmp_path / "ledger")
    made.flows = Workflows(made.service.store, listed=2)
    made.route("one", (Step(step="review", role="reviewer", meaning="reviewed"),))
    yield made
    made.close()


def test_control_a_set_that_was_shown_in_pages_is_signed_and_holds(plant: Plant) -> None:
    records = plant.collect(COUNT)
    request = plant.open("one", records).request
    authority = plant.caller("anna").authority
    assert plant.running(request).request.target.runs is not None
    for low in range(0, COUNT, 300):
        page = records[low : low + 300]
        plant.flows.decisions.open_span(request, page[0], page[-1], authority)
    plant.sign(request, "review", "anna")
    assert plant.fault() is None
    assert plant.shown(request).count == COUNT


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0, COUNT - 1, f"{MAX_SHOWN} at most"), (0, COUNT, "not of the request"), (9, 3, "not of the request")],
)
def test_a_forged_entry_that_shows_a_whole_set_at_once_is_named(plant: Plant, low: int, high: int, said: str) -> None:
    records = plant.collect(COUNT)
    running = plant.running(plant.open("one", records).request)
    forged = DecisionEntry(
        request=running.request.request,
        opened=running.entry,
        event=DecisionEvent.OPENED,
        reason="opened for review",
        authority=plant.caller("anna").authority,
        span=(records[0] + low, records[0] + high),
    )
    index = plant.service.store.append_one(SYSTEM_LOG, draft(forged)).index
    found = plant.fault()
    assert found is not None
    assert (found.index, said in found.what) == (index, True)
    with pytest.raises(IntegrityError, match="out of order"):
        plant.running(running.request.request)
