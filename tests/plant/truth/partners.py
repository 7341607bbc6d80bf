"""What the story of a batch should have and whether it is there."""

from typing import NamedTuple

from ledger.core.record import Action
from tests.plant.model import Batch
from tests.plant.truth.coverage import Coverage
from tests.plant.truth.known import Known
from tests.plant.truth.membership import READ, Membership


class Partner(NamedTuple):
    """A step that is expected of a batch: `there` with its records, or not."""

    step: str
    state: str
    records: tuple[int, ...] = ()


def partners(known: Known, membership: Membership, coverage: Coverage, batch: Batch) -> list[Partner]:
    """In the order of the expectations.

    Absent ones are missing only once the source's runs have passed the last record that names the batch; until then
    pending. Where the source could not be reached since the first such record, none of that can be told.
    """
    named = [known.facts[number] for number, how in membership.of_batch[batch.id].items() if how == READ]
    dated = [span for fact in named if (span := known.spans[fact.number]) is not None]
    if not dated:
        return []
    begin, end = min(span.low for span in dated), max(span.high for span in dated)
    rule = known.parameter_of("expected", None, None, end)
    found = []
    for step in () if rule is None else rule["steps"]:
        action = step["action"]
        records = tuple(
            sorted(
                fact.number
                for fact in named
                if (fact.source, fact.thing.type) == (step["source"], step["object_type"])
                and (action is None or fact.action is Action(action))
            )
        )
        if len(records) >= step["least"]:
            found.append(Partner(step["step"], "there", records))
            continue
        states = {stretch.state for stretch in coverage(step["source"], begin, end + 1)}
        if states & {"unreachable", "gap", "before"}:
            state = "not-assessable"
        else:
            state = "pending" if "not-yet" in states else "missing"
        found.append(Partner(step["step"], state, records))
    return found
