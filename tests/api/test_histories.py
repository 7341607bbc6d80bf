"""Objects over HTTP: their versions and their state, as of any size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.test_coverage import AFTER, BEFORE, told
from tests.api.world import SOURCE, World, run, submission

LOG = "/api/v1/logs/records"


TANK = {"type": "tag", "id": "TANK-1/LEVEL"}


def collect(client: TestClient[Any], world: World, *numbers: int) -> int:
    """A run of changes of the tank's level to these; returns the run's entry."""
    headers = world.headers(Scope.INGEST)
    cursor = client.get(f"/api/v1/sources/{SOURCE}/state", headers=headers).json().get("cursor")
    rows = [
        submission(
            number,
            object=TANK,
            occurred_at=told(BEFORE),
            changes=[{"attribute": "Value", "old": str(number - 1), "new": str(number)}],
        )
        for number in numbers
    ]
    body = run(rows, (cursor, str(numbers[-1])), started_at=BEFORE, ended_at=AFTER)
    answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["run"])


def asked(client: TestClient[Any], world: World, what: str, status: int = 200, **query: Any) -> Any:
    given = TANK | query
    answer = client.get(f"{LOG}/objects/{what}", params=given, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.requirement("C10")
def test_versions_and_state_of_an_object_are_answered_as_of_a_size(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    size = collect(client, world, 1, 2) + 1
    collect(client, world, 3)
    every = [one["index"] for one in asked(client, world, "history")["versions"]]
    assert len(every) == 3
    page = asked(client, world, "history", size=size, limit=1)
    assert [one["index"] for one in page["versions"]] == every[1:2]
    assert (page["size"], page["next_before"], page["integrity"]) == (size, every[1], "undoubted")
    (oldest,) = asked(client, world, "history", size=size, before=page["next_before"])["versions"]
    (step,) = oldest["steps"]
    # All three happened at one instant, by what their source claims.
    assert (step["old"], step["new"], step["continuity"], oldest["index"]) == ("0", "1", "cannot-tell", every[2])

    ((field,),) = [one["fields"] for one in asked(client, world, "state", at=AFTER)["states"]]
    assert (field["certain"], [one["value"] for one in field["alternatives"]]) == (False, ["1", "2", "3"])
    (logged,) = asked(client, world, "state", index=oldest["index"])["states"]
    assert logged["fields"][0]["alternatives"][0]["since"] == oldest["index"]
    assert asked(client, world, "state", at=BEFORE, id="nothing of this name")["states"] == []


def test_what_cannot_be_answered_says_why(shared_client: TestClient[Any], shared_world: World) -> None:
    client, world = shared_client, shared_world
    assert "at an instant or that after" in asked(client, world, "state", 400)["detail"]
    assert "at an instant or that after" in asked(client, world, "state", 400, at=AFTER, index=0)["detail"]
    assert (
        "2026-10-25T02:30" in asked(client, world, "state", 400, at="2026-10-25T02:30", zone="Europe/Berlin")["detail"]
    )
    assert "Mars/Base" in asked(client, world, "state", 400, at="2026-10-25T02:30", zone="Mars/Base")["detail"]
    assert "no entry" in asked(client, world, "state", 400, index=10**9)["detail"]
    assert "U+0000" in asked(client, world, "history", 400, id="a\0")["detail"]
    assert "not 999999999 yet" in asked(client, world, "history", 400, size=999_999_999)["detail"]
