"""Runs over HTTP: good records stand, bad ones are quarantined beside them, and nothing is doubled or lost."""

import json
import threading
from typing import Any

import pytest
from httpx import Response
from litestar.testing import TestClient
from sqlalchemy import text

from ledger.people.access import Scope
from tests.api.world import AT, OTHER_SOURCE, SOURCE, World, bearer, run, submission

PATH = f"/api/v1/sources/{SOURCE}/runs"


def post(client: TestClient[Any], world: World, body: bytes | str | dict[str, Any], **headers: str) -> Response:
    data = json.dumps(body) if isinstance(body, dict) else body
    return client.post(
        PATH, content=data, headers={**world.headers(Scope.INGEST), "Content-Type": "application/json", **headers}
    )


def entry(client: TestClient[Any], world: World, index: int) -> dict[str, Any]:
    answer = client.get(f"/api/v1/logs/records/entries/{index}", headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def size(client: TestClient[Any], world: World) -> int:
    return int(client.get("/api/v1/logs/records", headers=world.headers(Scope.READ)).json()["size"])


def with_bad(bad: str, first: int = 1) -> str:
    """A run of a good submission, a bad one given as text, and a good one."""
    whole = json.dumps(run([submission(first), "HERE", submission(first + 1)]))
    return whole.replace('"HERE"', bad)


BAD = {
    "malformed": ('{"record": ', None),
    "not an object": ("17", "Expected `object`"),
    "a member missing": ('{"received_at": "x"}', "record"),
    "an unknown member": (json.dumps({**submission(9), "extra": 1}), "extra"),
    "duplicate key": (json.dumps(submission(9))[:-1] + ', "received_at": "x"}', "occurs twice"),
    "NaN": (json.dumps(submission(9)).replace("1764052864000000", "NaN"), "NaN"),
    "infinity by size": (json.dumps(submission(9)).replace("1764052864000000", "1e999"), "beyond what a double holds"),
    "lone surrogate": (json.dumps(submission(9)).replace("operator1", "\\ud800"), "lone surrogate"),
    "too deep": ("[" * 500 + "]" * 500, "nested deeper"),
    "wrong source": (json.dumps(submission(9, source=OTHER_SOURCE)), "names source"),
    "a reserved shape": (json.dumps(submission(9, reason={"sealed": "A" * 44})), "reserved"),
    "a time that is none": (json.dumps({**submission(9), "received_at": "yesterday"}), "not an instant"),
    "an unknown action": (json.dumps(submission(9, action="explode")), "explode"),
    "a body beyond its bound": (
        json.dumps(submission(9, changes=[{"attribute": f"a{i}", "new": "x" * 200_000} for i in range(6)])),
        "larger than",
    ),
    "an original that is not base64": (json.dumps(submission(9)).replace("eyJhIjoxfQ==", "%%%"), "base64"),
}


@pytest.mark.parametrize("name", [name for name in BAD if name != "malformed"])
def test_a_bad_submission_is_quarantined_with_its_reason_and_the_good_ones_are_appended(
    shared_client: TestClient[Any], shared_world: World, name: str
) -> None:
    client, world = shared_client, shared_world
    bad, reason = BAD[name]
    first = 100 + 2 * list(BAD).index(name)
    answer = post(client, world, with_bad(bad, first))
    assert answer.status_code == 201, answer.text
    outcomes = answer.json()["outcomes"]
    assert [one["status"] for one in outcomes] == ["appended", "quarantined", "appended"]
    assert reason is not None
    assert reason.lower() in outcomes[1]["reason"].lower()
    kept = entry(client, world, outcomes[1]["index"])
    assert kept["kind"] == "quarantine"
    assert kept["decoded"]["reason"] == outcomes[1]["reason"]
    original = client.get(
        f"/api/v1/logs/records/entries/{outcomes[1]['index']}/original", headers=world.headers(Scope.EXPORT)
    )
    assert original.status_code == 200
    assert original.content in (bad.encode(), b'{"a":1}')
    for place, number in ((0, first), (2, first + 1)):
        record = entry(client, world, outcomes[place]["index"])["decoded"]["record"]
        assert record["source_record_id"] == f"log/{number}"


@pytest.mark.parametrize(
    ("name", "body", "status", "code"),
    [
        ("empty", b"", 400, "not_canonical"),
        ("not JSON", b"hello", 400, "not_canonical"),
        ("not UTF-8", b'{"source": "\xff"}', 400, "not_canonical"),
        ("an array", b"[]", 400, "schema_violation"),
        ("a torn run", json.dumps(run([submission(1)])).encode()[:-20], 400, "not_canonical"),
        ("a torn submission", with_bad(BAD["malformed"][0]).encode(), 400, "not_canonical"),
        ("a member of the run twice", json.dumps(run([])).encode()[:-1] + b', "source": "erp"}', 400, "not_canonical"),
        ("the list twice", json.dumps(run([])).encode()[:-1] + b', "submissions": []}', 400, "not_canonical"),
        ("an empty place", json.dumps(run(["HERE", 1])).replace('"HERE"', "").encode(), 400, "not_canonical"),
        ("an unknown member", json.dumps(run([], extra=1)).encode(), 400, "schema_violation"),
        ("no source", json.dumps({"submissions": []}).encode(), 400, "schema_violation"),
        ("a time that is none", json.dumps(run([], started_at="now")).encode(), 400, "not_canonical"),
        ("it ends before it starts", json.dumps(run([], started_at=AT.replace("2026", "2027"))).encode(), 400,
         "schema_violation"),
        ("a run of another source", json.dumps(run([], source=OTHER_SOURCE)).encode(), 403, "access_denied"),
        ("out of order", json.dumps(run([submission(1)], ("7", "8"))).encode(), 409, "conflict"),
        ("too many", json.dumps(run([1] * 10_001)).encode(), 400, "schema_violation"),
        ("deep", b"[" * 100_000, 400, "not_canonical"),
        ("many quotes", b'{"' * 50_000, 400, "not_canonical"),
    ],
)  # fmt: skip
def test_a_run_that_is_itself_malformed_is_refused_whole(
    shared_client: TestClient[Any], shared_world: World, name: str, body: bytes, status: int, code: str
) -> None:
    client, world = shared_client, shared_world
    before = size(client, world)
    answer = post(client, world, body)
    assert answer.status_code == status, (name, answer.text)
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code
    assert problem["type"] == f"urn:trailseal:problem:{code}"
    assert problem["detail"]
    assert problem["advice"]
    assert size(client, world) == before


def test_a_body_beyond_the_bound_is_refused_unread(shared_client: TestClient[Any], shared_world: World) -> None:
    client, world = shared_client, shared_world
    before = size(client, world)
    answer = post(client, world, b" " * (64 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert size(client, world) == before


def test_an_unregistered_source_is_named(client: TestClient[Any], world: World) -> None:
    token = world.token(Scope.INGEST, sources=("ghost",)).token
    answer = client.post(
        "/api/v1/sources/ghost/runs", content=json.dumps(run([], source="ghost")), headers=bearer(token)
    )
    assert answer.status_code == 404
    assert "ghost" in answer.json()["detail"]


def test_the_system_log_takes_no_records(client: TestClient[Any], world: World) -> None:
    answer = client.post(f"{PATH}?log=system", content=json.dumps(run([])), headers=world.headers(Scope.INGEST))
    assert answer.status_code == 404


def test_the_same_record_again_is_answered_with_its_first_entry(client: TestClient[Any], world: World) -> None:
    first = post(client, world, run([submission(1)])).json()
    again = post(client, world, run([submission(1), submission(2)])).json()
    assert again["outcomes"][0] == {"status": "duplicate", "index": first["outcomes"][0]["index"]}
    assert again["outcomes"][1]["status"] == "appended"


def test_the_entry_names_the_grant_by_which_it_came(client: TestClient[Any], world: World) -> None:
    receipt = post(client, world, run([submission(1)])).json()
    authority = entry(client, world, receipt["run"])["decoded"]["authority"]
    assert authority["actor"].startswith("ingest-")
    assert authority["authenticated"] is True
    grant = int(authority["entries"][1].rpartition("#")[2])
    answer = client.get(f"/api/v1/logs/system/entries/{grant}", headers=world.headers(Scope.READ)).json()
    assert answer["kind"] == "grant"
    assert answer["decoded"]["grant"] == world.tokens[Scope.INGEST].grant
    heads = client.get("/api/v1/logs/system", headers=world.headers(Scope.READ)).json()
    assert authority["system_size"] <= heads["size"]


class TestIdempotencyKey:
    def test_the_same_request_again_gets_the_first_receipt_and_appends_nothing(
        self, client: TestClient[Any], world: World
    ) -> None:
        body = with_bad("17").replace('"cursor_to": null', '"cursor_to": "5"')
        first = post(client, world, body, **{"Idempotency-Key": "run-1"})
        before = size(client, world)
        again = post(client, world, body, **{"Idempotency-Key": "run-1"})
        assert first.status_code == again.status_code == 201
        assert again.json() == first.json()
        assert size(client, world) == before
        assert [one["status"] for one in again.json()["outcomes"]] == ["appended", "quarantined", "appended"]

    def test_without_the_key_the_same_run_is_out_of_order(self, client: TestClient[Any], world: World) -> None:
        body = run([submission(1)], (None, "5"))
        assert post(client, world, body).status_code == 201
        assert post(client, world, body).status_code == 409

    def test_another_body_under_the_key_is_a_conflict(self, client: TestClient[Any], world: World) -> None:
        assert post(client, world, run([submission(1)]), **{"Idempotency-Key": "k"}).status_code == 201
        answer = post(client, world, run([submission(2)]), **{"Idempotency-Key": "k"})
        assert answer.status_code == 409
        assert "Idempotency-Key" in answer.json()["detail"]

    def test_the_first_receipt_is_given_after_the_digest_secret_was_changed_too(
        self, client: TestClient[Any], world: World
    ) -> None:
        body = run([submission(1)])
        first = post(client, world, body, **{"Idempotency-Key": "k"})
        for _ in range(2):
            world.service.rotate_digest(world.root)
        again = post(client, world, body, **{"Idempotency-Key": "k"})
        assert again.json() == first.json()
        assert post(client, world, run([submission(2)]), **{"Idempotency-Key": "k"}).status_code == 409

    def test_the_key_belongs_to_its_caller(self, client: TestClient[Any], world: World) -> None:
        assert post(client, world, run([submission(1)]), **{"Idempotency-Key": "k"}).status_code == 201
        other = world.token(Scope.INGEST, "second-collector").token
        headers = {**bearer(other), "Idempotency-Key": "k"}
        answer = client.post(PATH, content=json.dumps(run([submission(2)])), headers=headers)
        assert answer.status_code == 201
        assert answer.json()["outcomes"][0]["status"] == "appended"

    def test_of_many_at_once_one_appends_and_all_get_its_receipt(self, client: TestClient[Any], world: World) -> None:
        body = json.dumps(run([submission(1)], (None, "5")))
        answers: list[Response] = []
        threads = [
            threading.Thread(target=lambda: answers.append(post(client, world, body, **{"Idempotency-Key": "k"})))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.text for answer in answers}) == 1
        with world.service.store.reading() as connection:
            assert connection.scalar(text("SELECT count(*) FROM collection_run")) == 1

    def test_a_forged_receipt_cannot_swallow_a_record(self, client: TestClient[Any], world: World) -> None:
        first = post(client, world, run([submission(1)]), **{"Idempotency-Key": "first"})
        body = json.dumps(run([submission(2)]))
        with world.service.store.writing() as connection:
            connection.execute(
                text(
                    "INSERT INTO request_receipt SELECT caller, route, 'second', :digest, at_us, receipt"
                    " FROM request_receipt"
                ),
                {"digest": world.service.keys.digests()(body.encode())},
            )
        answer = post(client, world, body, **{"Idempotency-Key": "second"})
        assert first.status_code == 201
        assert (answer.status_code, answer.json()["code"]) == (500, "integrity_error")
        assert "not what was sent" in answer.json()["detail"]

    def test_receipts_are_dropped_after_a_week(self, client: TestClient[Any], world: World) -> None:
        from ledger.people.receipts import forget_old

        post(client, world, run([submission(1)]), **{"Idempotency-Key": "k"})
        forget_old(world.service.store)
        with world.service.store.reading() as connection:
            assert connection.scalar(text("SELECT count(*) FROM request_receipt")) == 1
        world.clock.pass_seconds(8 * 86_400)
        forget_old(world.service.store)
        with world.service.store.reading() as connection:
            assert connection.scalar(text("SELECT count(*) FROM request_receipt")) == 0

    @pytest.mark.parametrize("key", ["", "with space", "x" * 201, "é"])
    def test_a_key_outside_its_form_is_refused(
        self, shared_client: TestClient[Any], shared_world: World, key: str
    ) -> None:
        answer = shared_client.post(
            PATH,
            content=json.dumps(run([])),
            headers={
                **{name.encode(): value.encode() for name, value in shared_world.headers(Scope.INGEST).items()},
                b"Idempotency-Key": key.encode(),
            },
        )
        assert answer.status_code == 400


@pytest.mark.requirement("R11")
def test_refusals_of_a_known_collector_are_entered(client: TestClient[Any], world: World) -> None:
    headers = world.headers(Scope.INGEST)
    account = next(one.account for one in world.people.accounts() if one.account.startswith("ingest-"))
    client.post(f"/api/v1/sources/{OTHER_SOURCE}/runs", content="{}", headers=headers)
    post(client, world, run([submission(1)]), **{"Idempotency-Key": "k"})
    post(client, world, run([submission(2)]), **{"Idempotency-Key": "k"})
    post(client, world, run([], ("7", "8")))
    client.get("/api/v1/grants", headers=headers)
    world.people.security.enter(final=True)
    counts = [one for body in world.system_entries("security-event") for one in body["counts"]]
    assert {(one["sort"], one.get("account"), one.get("source")) for one in counts} == {
        ("wrong-source", account, OTHER_SOURCE),
        ("replayed", account, SOURCE),
        ("out-of-order", account, SOURCE),
        ("no-grant", account, None),
    }
