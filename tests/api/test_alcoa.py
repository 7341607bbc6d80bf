"""ALCOA+ over HTTP: one record by all checks, as of any size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.world import SOURCE, World, run, submission
from tests.support.application import app_of
from tests.support.ledgers import RECORDS


def ask(
    client: TestClient[Any], world: World, index: int, status: int = 200, log: str = "records", **query: Any
) -> Any:
    path = f"/api/v1/logs/{log}/alcoa/entries/{index}"
    answer = client.get(path, params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.json()


def collected(world: World) -> int:
    """A record of a source; its entry, before that of its run."""
    with TestClient(app_of(world.service)) as client:
        batch = run([submission(1)], (None, "1"))
        answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=batch, headers=world.headers(Scope.INGEST))
    assert answer.status_code == 201, answer.text
    index: int = answer.json()["run"] - 1
    return index


@pytest.mark.requirement("C01", "C04")
def test_a_record_is_assessed_as_of_any_size(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    index = collected(world)
    with world.service.store.reader(RECORDS) as reader:
        size = reader.head().size
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


@pytest.mark.requirement("C04")
def test_the_page_says_each_check_in_words_and_the_record_s_page_leads_to_it(any_world: World) -> None:
    index = collected(any_world)
    headers = any_world.headers(Scope.READ)
    with TestClient(app_of(any_world.service, "UTC")) as site:
        assert f"/alcoa/records/{index}" in site.get(f"/entries/records/{index}", headers=headers).text
        shown = site.get(f"/alcoa/records/{index}", headers=headers)
        assert shown.status_code == 200
        assert shown.text.count('<th scope="row">') == 13
        assert "not assessable" in shown.text
        assert "no limit is set" in shown.text
        assert site.get("/alcoa/records/0", headers=headers).status_code == 400
        assert site.get("/alcoa/records/99", headers=headers).status_code == 404
        assert site.get("/alcoa/system/0", headers=headers).status_code == 404
