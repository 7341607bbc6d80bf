"""Rules over HTTP: listed, run as a job, and what they found, in pages and as of a size."""

from typing import Any

import msgspec
from litestar.testing import TestClient

from ledger.core.record import Change
from ledger.people.access import Scope
from tests.api.world import SOURCE, World
from tests.support.ledgers import AUTHORITY, START_US, batch, source_time, submission
from tests.support.trying import cases


def test_rules_run_as_a_job_and_what_they_found_is_read_in_pages(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    steps = [("50", "51"), ("60", "61"), ("61", "62"), ("70", "71")]
    told = [
        submission(at, SOURCE, changes=(Change(attribute="X", old=old, new=new),))
        for at, (old, new) in enumerate(steps, start=1)
    ]
    world.service.ingest.submit(batch(told, SOURCE, ended_at="2027-01-01T00:00:00.000000Z"), AUTHORITY)
    path, headers = "/api/v1/logs/records/rules", world.headers(Scope.READ)

    def read(what: str, status: int = 200, **query: Any) -> Any:
        answer = client.get(f"{path}/{what}", params=query, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    told = read("")
    (d11,) = [one for one in told["rules"] if one["about"]["id"] == "D11"]
    assert (d11["state"], d11["entry"], told["faulty"]) == ("shadow", None, [])
    assert client.post(f"{path}/runs", headers=headers).status_code == 403
    started = client.post(f"{path}/runs", headers=world.headers(Scope.VERIFY))
    assert started.status_code == 202, started.text
    assert read("findings")["findings"] == read("runs") == []
    world.service.jobs.work_next()
    job = read(f"runs/jobs/{started.json()['id']}")
    assert job["state"] == "done", job
    read("runs/jobs/99", status=404)
    other = client.post("/api/v1/logs/records/alcoa/runs", json={}, headers=world.headers(Scope.VERIFY)).json()["id"]
    read(f"runs/jobs/{other}", status=404)
    (run,) = read("runs")
    assert read("runs", before=run["entry"]) == []
    newest = read("findings", rule="D11", limit=1)
    oldest = read("findings", rule="D11", limit=1, before=newest["next_before"], size=newest["size"])
    details = [one["detail"] for page in (newest, oldest) for one in page["findings"]]
    assert ["was 70" in details[0], "was 60" in details[1]] == [True, True]
    assert oldest["next_before"] is None
    assert run["run"]["opened"] == len(read("findings", all=True)["findings"])
    assert read("findings", size=run["run"]["size"])["findings"] == [], "as of what the run looked at"
    counts = read("statistics", period="month")["statistics"]
    assert sum(one["flagged"] for one in counts) == run["run"]["opened"] == sum(one["open"] for one in counts)
    assert read("statistics", size=run["run"]["size"])["statistics"] == []
    read("statistics", **{"from": "soon"}, status=400)
    assert read("findings", rule="D99")["findings"] == []
    read("findings", rule="D\0", status=400)


def test_a_rule_is_tried_and_given_a_state(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    path = "/api/v1/logs/records/rules"
    configure = world.headers(Scope.CONFIGURE)

    def send(what: str, body: Any, status: int, headers: dict[str, str] = configure) -> Any:
        answer = client.post(f"{path}/{what}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    given = msgspec.to_builtins(cases())
    send("D11/challenges", {"cases": given, "reason": "on site"}, 403, world.headers(Scope.READ))
    send("D99/challenges", {"cases": given, "reason": "on site"}, 404)
    send("D11/challenges", {"cases": [{"name": "none", "expected": "finding"}], "reason": "on site"}, 400)
    made = send("D11/challenges", {"cases": given, "reason": "on site"}, 201)
    assert [(one["name"], one["said"]) for one in made["challenge"]["cases"]] == [
        ("changed unseen", "finding"), ("goes on", "clear"),
    ]  # fmt: skip
    assert (made["lacking"], [one["action"] for one in made["sign_off"]["open"]]) == ("", ["rule"])
    read = world.headers(Scope.READ)
    assert client.get(f"{path}/challenges", params={"rule": "D11"}, headers=read).json() == [made]
    assert client.get(f"{path}/challenges", params={"rule": "D10"}, headers=read).json() == []
    validated = {"state": "validated", "challenge": made["entry"], "reason": "on site"}
    assert "nobody signed" in send("D11/state", validated, 409)["detail"]
    send("D11/state", {"state": "draft", "reason": "so", "version": 0}, 400)
    send("D11/state", {"state": "retired", "challenge": 1, "reason": "so"}, 400)
    entry = send("D11/state", {"state": "retired", "reason": "not here"}, 201)["index"]
    (d11,) = [one for one in client.get(f"{path}/", headers=read).json()["rules"] if one["about"]["id"] == "D11"]
    assert (d11["state"], d11["entry"], d11["reason"]) == ("retired", entry, "not here")
    old = client.get(f"{path}/", params={"size": entry}, headers=read).json()["rules"]
    assert {one["state"] for one in old} == {"shadow"}


def test_a_suppression_is_set_and_revoked(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    path, configure = "/api/v1/logs/records/rules", world.headers(Scope.CONFIGURE)
    scope = {"source": SOURCE, "object_type": "tag", "reason": "CR-7"}

    def send(status: int, rule: str = "D11", **body: Any) -> Any:
        answer = client.post(f"{path}/{rule}/suppressions", json={**scope, **body}, headers=configure)
        assert answer.status_code == status, answer.text
        return answer.json()

    def listed() -> list[tuple[str, bool]]:
        answer = client.get(f"{path}/suppressions", headers=world.headers(Scope.READ))
        return [(one["until"], one["in_force"]) for one in answer.json()["suppressions"]]

    assert "is in force from" in send(400, until="2020-01-01T00:00:00Z")["detail"]
    assert "a suppression ends" in send(400)["detail"]
    send(400, rule="D99", until="2030-01-01T00:00:00Z")
    send(400, until="soon")
    send(404, revoked=True)
    since = "2029-01-01T00:00:00Z"
    send(201, since=since, until="2029-03-01T00:00:00+01:00")
    assert listed() == [("2029-02-28T23:00:00.000000Z", False)]
    send(201, since=since, until="2029-04-01T00:00:00Z")
    assert listed() == [("2029-04-01T00:00:00.000000Z", False)], "the same scope again takes its place"
    send(201, revoked=True)
    assert listed() == []


def test_a_back_test_is_a_job_that_tells_what_differs(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    steps = [("1", "2"), ("7", "8")]
    told = [
        submission(
            f"past-{at}", SOURCE, changes=(Change(attribute="Y", old=old, new=new),), occurred_at=source_time(at_us)
        )
        for at, ((old, new), at_us) in enumerate(zip(steps, (START_US, START_US + 9_000_000), strict=True))
    ]
    state = world.service.ingest.state(SOURCE)
    run = batch(told, SOURCE, ended_at="2027-01-01T00:00:00.000000Z", cursor_from=state.cursor, cursor_to="past")
    world.service.ingest.submit(run, AUTHORITY)
    path, verify = "/api/v1/logs/records/rules", world.headers(Scope.VERIFY)

    def send(body: Any, status: int, rule: str = "D11", headers: dict[str, str] = verify) -> Any:
        answer = client.post(f"{path}/{rule}/back-tests", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    send({}, 403, headers=world.headers(Scope.READ))
    send({}, 404, rule="D99")
    assert "does not go by" in send({"supposed": [{"name": "available", "value": {"seconds": 1}}]}, 400)["detail"]
    assert "late_s" in send({"supposed": [{"name": "limits", "value": {"late_s": -1}}]}, 400, rule="D08")["detail"]
    waits, cancelled = send({"period": "day"}, 202)["id"], send({}, 202)["id"]
    answer = client.post(f"{path}/back-tests/jobs/{cancelled}/cancellation", headers=verify)
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    claimed = world.service.jobs.claim(waits)
    assert claimed is not None
    world.service.jobs.work(claimed)
    read = world.headers(Scope.READ)
    job = client.get(f"{path}/back-tests/jobs/{waits}", headers=read).json()
    assert job["state"] == "done", job
    assert job["result"]["opened"] == sum(one["opened"] for one in job["result"]["periods"])
    assert any(one["opened"] and "was 7" in one["detail"] for one in job["result"]["differences"])
    assert client.get(f"{path}/back-tests/jobs/9999", headers=read).status_code == 404
