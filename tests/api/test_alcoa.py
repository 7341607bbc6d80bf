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


@pytest.mark.requirement("C04")
def test_a_run_is_a_job_and_its_totals_open_their_records(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    index = collected(world)
    path, headers = "/api/v1/logs/records/alcoa", world.headers(Scope.READ)

    def read(what: str, status: int = 200, **query: Any) -> Any:
        answer = client.get(f"{path}/{what}", params=query, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    assert client.post(f"{path}/runs", json={}, headers=headers).status_code == 403
    started = client.post(f"{path}/runs", json={"full": True}, headers=world.headers(Scope.VERIFY))
    assert started.status_code == 202, started.text
    before = read("totals")
    assert (before["judged_to"], before["totals"]) == (0, [])
    world.service.jobs.work_next()
    job = read(f"runs/jobs/{started.json()['id']}")
    (made,) = job["result"]["runs"]
    assert (job["state"], made["judged"], len(made["entries"])) == ("done", 1, 1)
    read("runs/jobs/99", status=404)
    last, fetched = read("runs")
    assert (last["index"], last["result"]["size"]) == (made["entries"][0], made["size"])
    (one,) = fetched["result"]["retrieval"]
    assert (one["source"], one["index"], one["opened"]) == (SOURCE, index, True)
    assert read("runs", before=last["index"]) == [fetched]
    totals = read("totals", source=SOURCE)
    assert totals["judged_to"] == made["size"]
    of = {one["attribute"]: (one["passed"], one["failed"], one["open"]) for one in totals["totals"]}
    assert (len(of), of["contemporaneous"]) == (10, (0, 0, 1))
    day = totals["totals"][0]["first"]
    asked = {"source": SOURCE, "attribute": "contemporaneous", "verdict": "not-assessable", "from": day, "to": day}
    found = read("records", **asked)
    said = {"index": index, "day": day, "code": "no-limit", "assessment": made["entries"][0]}
    assert (found["records"], found["next_after"]) == ([said], None)
    assert read("records", **asked | {"verdict": "fail"})["records"] == []
    assert read("records", **asked, size=before["size"])["records"] == []
    assert read("totals", size=before["size"]) == before


def test_what_is_no_day_or_attribute_is_refused_by_name(any_client: TestClient[Any], any_world: World) -> None:
    path, headers = "/api/v1/logs/records/alcoa", any_world.headers(Scope.READ)

    def refused(what: str, **query: Any) -> str:
        answer = any_client.get(f"{path}/{what}", params=query, headers=headers)
        assert answer.status_code == 400, answer.text
        return str(answer.json())

    assert "2026-02-30" in refused("totals", **{"from": "2026-02-30"})
    assert "is after" in refused("totals", **{"from": "2026-03-01", "to": "2026-02-01"})
    assert "period" in refused("totals", period="year")
    asked = {"source": SOURCE, "attribute": "complete", "verdict": "fail"}
    assert "attribute" in refused("records", **asked | {"attribute": "beautiful"})
    assert "next_after" in refused("records", **asked, after="2026-11-25")


@pytest.mark.requirement("C13")
def test_what_belongs_to_a_batch_is_assessed_and_each_number_names_its_records(
    any_client: TestClient[Any], any_world: World
) -> None:
    index = collected(any_world)
    path, headers = "/api/v1/logs/records/alcoa/batch", any_world.headers(Scope.READ)
    asked = {"kind": "batch", "id": "B-1"}
    found = any_client.get(path, params=asked, headers=headers).json()
    (of_source,) = found["sources"]
    numbers = {one["attribute"]: (one["passed"], one["failed"], one["open"]) for one in of_source["tallies"]}
    assert (found["records"], found["cut"], of_source["source"], found["behind"]) == (1, False, SOURCE, None)
    assert (len(numbers), numbers["traceable"]) == (10, (0, 0, 1))
    behind = {"attribute": "traceable", "verdict": "not-assessable"}
    named = any_client.get(path, params=asked | behind, headers=headers).json()["behind"]
    assert named == [{"index": index, "source": SOURCE, "code": "no-profile"}]
    assert any_client.get(path, params=asked | behind | {"source": "other"}, headers=headers).json()["behind"] == []
    assert any_client.get(path, params=asked | {"id": "B-none"}, headers=headers).status_code == 404
    refused = any_client.get(path, params=asked | {"kind": "person"}, headers=headers)
    assert (refused.status_code, "names no batch" in refused.json()["detail"]) == (400, True)
