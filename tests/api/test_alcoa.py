"""ALCOA+ over HTTP: one record by all checks, as of any size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.world import SOURCE, World, run, submission


def ask(
    client: TestClient[Any], world: World, index: int, status: int = 200, log: str = "records", **query: Any
) -> Any:
    path = f"/api/v1/logs/{log}/alcoa/entries/{index}"
    answer = client.get(path, params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.requirement("C01", "C04")
def test_a_record_is_assessed_as_of_any_size(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    headers = world.headers(Scope.INGEST)
    taken = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run([submission(1)], (None, "1")), headers=headers)
    assert taken.status_code == 201, taken.text
    log = world.service.record_log()
    with world.service.store.reader(log.log.number) as reader:
        size = reader.head().size
    (index,) = [
        at
        for at in range(size)
        if client.get(f"/api/v1/logs/records/entries/{at}", headers=world.headers(Scope.READ)).json()["kind"]
        == "record"
    ]
    before = ask(client, world, index)
    assert (before["index"], before["size"], before["checkpoint"]) == (index, size, None)
    checks = {one["check"]: one for one in before["checks"]}
    assert list(checks) == [f"C{number:02}" for number in range(1, 14)]
    assert checks["C04"] == {
        "check": "C04",
        "attribute": "contemporaneous",
        "result": "not-assessable",
        "code": "no-limit",
    }
    assert checks["C06"]["code"] == "no-parser"
    parameter = {"name": "schema", "value": {"units": ["none such"], "codes": {}}, "reason": "CR-0042"}
    set_ = client.post("/api/v1/parameters", json=parameter, headers=world.headers(Scope.CONFIGURE))
    assert set_.status_code == 201, set_.text
    after = ask(client, world, index)
    assert after["size"] > size
    legible = next(one for one in after["attributes"] if one["attribute"] == "legible")
    assert legible["result"] in ("pass", "fail")
    again = ask(client, world, index, size=size)
    assert again == before


def test_what_cannot_be_assessed_is_refused_by_name(any_client: TestClient[Any], any_world: World) -> None:
    assert "only records" in ask(any_client, any_world, 0, status=400)["detail"]
    assert "no entry 99" in ask(any_client, any_world, 99, status=404)["detail"]
    assert "entries" in ask(any_client, any_world, 0, status=400, size=10_000)["detail"]
    ask(any_client, any_world, 0, status=404, log="system")
