"""The inventory over HTTP: each system connected, reviewed elsewhere or open, counted, as of any size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.world import SOURCE, World, bearer, run, submission

pytestmark = pytest.mark.sampled

PATH = "/api/v1/inventory"
MES = {
    "system": "mes", "title": "Manufacturing execution", "system_class": "mes", "owner": "production IT",
    "criticality": "high", "trail": "on", "reason": "site inventory 2026",
}  # fmt: skip


def listed(client: TestClient[Any], world: World, **query: Any) -> Any:
    answer = client.get(PATH, params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(client: TestClient[Any], world: World, **members: Any) -> int:
    answer = client.post(PATH, json=MES | members, headers=world.headers(Scope.CONFIGURE))
    assert answer.status_code == 201, answer.text
    index: int = answer.json()["index"]
    assert answer.json()["address"].endswith(f"/records#{index}")
    return index


def shown(counts: Any) -> tuple[int, int, int, list[str]]:
    return counts["connected"], counts["elsewhere"], counts["open"], counts["open_systems"]


@pytest.mark.requirement("R77")
def test_systems_are_counted_listed_changed_and_retired_as_of_any_size(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    put(client, world)
    put(client, world, system="erp", source=SOURCE)
    put(client, world, system="balance", trail="none", reviewed="on paper, each month", why="it has no interface")
    found = listed(client, world)
    assert shown(found["counts"]) == (1, 1, 1, ["mes"])
    assert [(one["system"], one["standing"]) for one in found["systems"]] == [
        ("balance", "reviewed elsewhere"), ("erp", "connected"), ("mes", "open"),
    ]  # fmt: skip
    before = found["size"]
    put(client, world, reviewed="in the MES itself, weekly", reason="procedure 12")
    assert shown(listed(client, world)["counts"]) == (1, 2, 0, [])
    assert shown(listed(client, world, size=before)["counts"]) == (1, 1, 1, ["mes"])
    first = listed(client, world, limit=2)
    rest = listed(client, world, limit=2, after=first["next_after"], size=first["size"])
    assert [one["system"] for one in first["systems"] + rest["systems"]] == ["balance", "erp", "mes"]
    assert rest["next_after"] is None
    assert [one["system"] for one in listed(client, world, standing="connected")["systems"]] == ["erp"]
    gone = client.post(f"{PATH}/mes/retirement", json={"reason": "replaced"}, headers=world.headers(Scope.CONFIGURE))
    assert gone.status_code == 201
    assert client.get(f"{PATH}/mes", headers=world.headers(Scope.READ)).status_code == 404
    assert client.get(f"{PATH}/mes", params={"size": before}, headers=world.headers(Scope.READ)).status_code == 200
    again = client.post(f"{PATH}/mes/retirement", json={"reason": "twice"}, headers=world.headers(Scope.CONFIGURE))
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


def test_a_system_whose_source_has_ended_is_connected_no_longer(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    put(client, world, system="erp", source=SOURCE)
    put(client, world, system="wms", source=SOURCE, reviewed="in the ERP")
    lives = f"/api/v1/sources/{SOURCE}/life"
    one, other = (bearer(world.token(Scope.CONFIGURE, name).token) for name in ("first", "second"))
    client.post(f"/api/v1/sources/{SOURCE}/runs", json=run([submission(1)]), headers=world.headers(Scope.INGEST))
    size = listed(client, world)["size"]
    assert client.post(f"{lives}/closing", json={"reason": "end"}, headers=one).status_code == 201
    assert client.post(f"{lives}/decommissioning", json={"reason": "end"}, headers=other).status_code == 201
    assert shown(listed(client, world)["counts"]) == (0, 1, 1, ["erp"])
    assert shown(listed(client, world, size=size)["counts"]) == (2, 0, 0, [])


@pytest.mark.parametrize(
    ("members", "status", "code"),
    [
        ({"source": "unknown"}, 404, "not_found"),
        ({"system": ""}, 400, "schema_violation"),
        ({"title": "x\0"}, 400, "schema_violation"),
        ({"criticality": "severe"}, 400, "schema_violation"),
        ({"reviewed": ""}, 400, "schema_violation"),
        ({"retired": True}, 400, "schema_violation"),
    ],
)
def test_a_bad_system_is_refused(
    shared_client: TestClient[Any], shared_world: World, members: dict[str, Any], status: int, code: str
) -> None:
    answer = shared_client.post(PATH, json=MES | members, headers=shared_world.headers(Scope.CONFIGURE))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert listed(shared_client, shared_world)["systems"] == []


def test_who_may_read_may_not_change(shared_client: TestClient[Any], shared_world: World) -> None:
    for scope in (Scope.READ, Scope.ADMIN, Scope.INGEST):
        answer = shared_client.post(PATH, json=MES, headers=shared_world.headers(scope))
        assert (answer.status_code, answer.json()["code"]) == (403, "access_denied"), scope
