"""The maps and parameters of the plant: those of each system, and those of all."""

import random
from collections.abc import Iterator
from typing import Any, Final

from tests.plant.model import DAY, START, AccountRow, Maps, Parameter, PlaceRow
from tests.plant.systems import SYSTEMS
from tests.plant.world import CLASSES, Site

UNITS: Final = ("kg", "degC", "pH", "%", "Pa")

BETWEEN: Final[dict[str, Any]] = {
    "lead_s": 900,
    "tail_s": 600,
    "before_types": ["line-clearance"],
    "before_max_s": 7_200,
    "after_types": ["monitoring-end"],
    "after_max_s": 3_600,
}
AROUND: Final[dict[str, Any]] = {"lead_s": 3_600, "tail_s": 3_600}
"""Of batches that follow each other closely both have what lies between."""


def parameters() -> list[Parameter]:
    """All parameters; what no parameter says cannot be assessed."""
    return [*_general(), *(one for system in SYSTEMS for one in system.parameters)]


def _general() -> Iterator[Parameter]:
    for source in ("mes", "dcs", "lims", "erp", "ems"):
        yield Parameter("schema", source, None, {"units": list(UNITS), "codes": {}})
    yield Parameter("travel", None, None, {"pairs": list(_travel())})
    yield Parameter("vague-words", None, None, {"words": ["ok", "update", "as discussed", "."]})
    yield Parameter("enduring", None, None, {"anchor_hours": 24, "copies": 2, "copy_days": 90})
    yield Parameter("available", None, None, {"seconds": 5})
    for of in CLASSES:
        # Labelling is not watched but for some time around it; for autoclaves nobody has set a rule.
        if of.name != "autoclave":
            yield Parameter("occupation", None, of.name, AROUND if of.name == "labeller" else BETWEEN)
    yield Parameter(
        "expected",
        None,
        None,
        {
            "steps": [
                {"step": "order", "source": "erp", "object_type": "order", "action": "create", "least": 1},
                {"step": "values", "source": "mes", "object_type": "step-value", "action": None, "least": 3},
                {"step": "sample", "source": "lims", "object_type": "sample", "action": "create", "least": 1},
                {"step": "result", "source": "lims", "object_type": "result", "action": "approve", "least": 1},
                {"step": "release", "source": "erp", "object_type": "batch-release", "action": "approve", "least": 1},
            ]
        },
    )


def _travel() -> Iterator[list[str | int]]:
    places = {area: [f"{area}-{source}" for source in ("mes", "dcs", "lims")] for area in ("NORTH", "SOUTH")}
    for one in places["NORTH"]:
        for other in places["SOUTH"]:
            yield [one, other, 600]


def maps(site: Site, seed: int) -> Maps:
    """All rows; a tag that moved to other equipment, and rows that were entered wrongly and are corrected later."""
    rng = random.Random(f"{seed}:maps")
    accounts = [row for system in SYSTEMS for row in system.accounts(site)]
    places = [row for system in SYSTEMS for row in system.places(site)]
    tags = [row for row in places if row.source == "dcs" and row.tag.endswith(".SP")]
    moved, wrong = rng.sample(tags, 2)
    day = START + rng.randrange(10, 20) * DAY
    places[places.index(moved)] = moved._replace(until=day)
    elsewhere = rng.choice([row for row in tags if row.equipment not in (moved.equipment, wrong.equipment)])
    places.append(elsewhere._replace(tag=moved.tag, since=day))
    places[places.index(wrong)] = elsewhere._replace(tag=wrong.tag)
    personal = [row for row in accounts if row.source == "mes" and row.person is not None]
    first, second = rng.sample(personal, 2)
    accounts[accounts.index(first)] = first._replace(person=second.person)
    corrections: list[AccountRow | PlaceRow] = [wrong, first]
    return Maps(accounts, places, corrections)
