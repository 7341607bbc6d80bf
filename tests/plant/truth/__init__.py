"""The truth of a month: what can be known of it from what was told, by small loops over the model's own objects.

Each sentence of the requirements has one function here, and none is taken from the product: where the two disagree, one
of them is wrong.
"""

from tests.plant.model import Batch, Month, Thing
from tests.plant.truth.cells import CHECKS, Cells, Lasting
from tests.plant.truth.coverage import Coverage, Stretch
from tests.plant.truth.fields import Fields
from tests.plant.truth.known import Known
from tests.plant.truth.membership import Belongs, Membership, Window, orphans
from tests.plant.truth.partners import Partner, partners
from tests.plant.truth.sightings import Sightings
from tests.plant.truth.state import Candidates, state, undated

__all__ = ["CHECKS", "Belongs", "Lasting", "Partner", "Stretch", "Truth", "Window"]


class Truth:
    """Answers by records' numbers; `corrected`: with the maps' corrections entered; `fetched`: after a test that
    fetched records of every source at once, and read them; `lasting`: what others did so that the records last.
    """

    def __init__(
        self, month: Month, *, corrected: bool = True, fetched: bool = False, lasting: Lasting | None = None
    ) -> None:
        self.known = Known(month, corrected)
        self.coverage = Coverage(month)
        self._membership = Membership(self.known)
        fields = Fields(self.known, self.coverage)
        self._cells = Cells(self.known, self._membership, Sightings(self.known), fields, fetched, lasting)

    def membership(self, batch: str) -> dict[int, Belongs]:
        """The records of a batch, and how each belongs."""
        return self._membership.of_batch[batch]

    def batches(self, number: int) -> list[str]:
        """The batches that a record belongs to."""
        return self._membership.batches.get(number, [])

    def windows(self, batch: Batch) -> list[Window]:
        """When a batch had which asset."""
        return self._membership.windows(batch)

    def orphans(self, low: int, high: int) -> list[int]:
        """The records of critical assets, from an instant to before another, that belong to no batch."""
        return orphans(self.known, self._membership, low, high)

    def partners(self, batch: Batch) -> list[Partner]:
        """What the batch should have, and whether it is there."""
        return partners(self.known, self._membership, self.coverage, batch)

    def state(self, source: str, thing: Thing, at: int) -> dict[str, Candidates]:
        """What stood in the fields of an object at an instant."""
        return state(self.known, source, thing, at)

    def undated(self, source: str, thing: Thing) -> int:
        """How many records of an object nothing places in time."""
        return undated(self.known, source, thing)

    def cell(self, number: int, check: str) -> str:
        """The verdict of one check (`C01` … `C13`) of a record: `P`, `F:…` or `N:…`."""
        return CHECKS[check](self._cells, self.known.facts[number])

    def cells(self, number: int) -> tuple[str, ...]:
        """All verdicts of a record, in the order of the checks."""
        return self._cells.of(self.known.facts[number])
