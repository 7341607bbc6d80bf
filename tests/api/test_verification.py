"""Verification over HTTP: started, followed, cancelled, and its history read from the log."""

import json
from typing import Any

from litestar.testing import TestClient
from sqlalchemy import text

from ledger.people.access import Scope
from tests.api.world import ORIGIN, SOURCE, World, run, submission


def fill(client: TestClient[Any], world: World) -> None:
    answer = client.post(
        f"/api/v1/sources/{SOURCE}/runs",
        content=json.dumps(run([submission(number) for number in range(20)])),
        headers=world.headers(Scope.INGEST),
    )
    assert answer.status_code == 201
    world.service.publisher.publish_all()


def start(client: TestClient[Any], world: World, **plan: Any) -> dict[str, Any]:
    answer = client.post("/api/v1/verifications", json=plan, headers=world.headers(Scope.VERIFY))
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(client: TestClient[Any], world: World, path: str) -> Any:
    answer = client.get(path, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_run_that_holds_is_a_job_first_and_then_an_entry(client: TestClient[Any], world: World) -> None:
    fill(client, world)
    job = start(client, world, log="records")
    assert job["state"] == "queued"
    world.service.jobs.work_next()
    done = read(client, world, f"/api/v1/verifications/jobs/{job['id']}")
    assert (done["state"], done["error"]) == ("done", "")
    assert done["result"]["holds"] is True
    (entry,) = read(client, world, "/api/v1/logs/records/verifications")
    assert entry["holds"] is True
    assert entry["address"] == f"{ORIGIN}/records#{entry['index']}"
    assert {level["level"]: level["verdict"] for level in entry["result"]["levels"]} == {
        1: "holds", 2: "holds", 3: "holds", 4: "holds", 5: "not-assessable",
    }  # fmt: skip
    assert [one["id"] for one in read(client, world, "/api/v1/verifications/jobs")] == [job["id"]]


def test_a_tampered_row_is_named_with_its_entry(client: TestClient[Any], world: World) -> None:
    fill(client, world)
    with world.service.store.writing() as connection:
        connection.execute(text("DROP TRIGGER record_no_update"))
        pos = connection.scalar(text("SELECT max(pos) FROM record"))
        connection.execute(text("UPDATE record SET actor = 'nobody' WHERE pos = :pos"), {"pos": pos})
    start(client, world, log="records", full=True)
    world.service.jobs.work_next()
    (entry,) = read(client, world, "/api/v1/logs/records/verifications")
    assert entry["holds"] is False
    fault = next(level["fault"] for level in entry["result"]["levels"] if level["fault"])
    assert (fault["table"], fault["column"], fault["index"]) == ("record", "actor", pos & (2**40 - 1))


def test_a_cancelled_run_enters_nothing(client: TestClient[Any], world: World) -> None:
    job = start(client, world, full=False)
    answer = client.post(f"/api/v1/verifications/jobs/{job['id']}/cancellation", headers=world.headers(Scope.VERIFY))
    assert answer.json()["state"] == "cancelled"
    assert world.service.jobs.work_next() is None
    assert read(client, world, "/api/v1/logs/records/verifications") == []


def test_the_history_is_read_page_by_page(client: TestClient[Any], world: World) -> None:
    for _ in range(3):
        start(client, world, log="records", levels=[1])
        world.service.jobs.work_next()
    seen: list[int] = []
    before = ""
    while page := read(client, world, f"/api/v1/logs/records/verifications?limit=2{before}"):
        seen += [one["index"] for one in page]
        before = f"&before={page[-1]['index']}"
    assert len(seen) == 3
    assert seen == sorted(seen, reverse=True)


def test_what_cannot_be_verified_is_refused(client: TestClient[Any], world: World) -> None:
    headers = world.headers(Scope.VERIFY)
    for plan, status in (({"log": "none"}, 404), ({"levels": []}, 400), ({"levels": [6]}, 400), ({"more": 1}, 400)):
        assert client.post("/api/v1/verifications", json=plan, headers=headers).status_code == status, plan
    assert client.post("/api/v1/verifications/jobs/99/cancellation", headers=headers).status_code == 404
    assert client.get("/api/v1/verifications/jobs/99", headers=world.headers(Scope.READ)).status_code == 404
