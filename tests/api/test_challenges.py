"""Challenges over HTTP: set, planted, judged, missed, retired; and what of them the terminal alone may say."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.clock import utc_text
from ledger.core.source import SourceConfig
from ledger.findings.kinds import FindingSort
from ledger.people.access import Scope
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.sources.challenge_kinds import Challenge, Expected, Planting
from tests.api.world import OTHER_SOURCE, SOURCE, World, run, submission
from tests.support.people import OWN_PAGE
from tests.support.staff import Staff

PATH = f"/api/v1/sources/{SOURCE}/challenges"
NAME = "erp-test"
NEW: dict[str, Any] = {
    "challenge": NAME, "object_id": "TEST", "object_type": "tag", "attribute": "Value", "account": "operator1",
    "reason": "planned", "limit_s": 60,
}  # fmt: skip


def post(client: TestClient[Any], world: World, path: str, body: Any) -> Any:
    return client.post(f"{PATH}{path}", json=body, headers=world.headers(Scope.CONFIGURE))


def plantings(client: TestClient[Any], world: World, **query: Any) -> Any:
    answer = client.get("/api/v1/challenges/plantings", params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: TestClient[Any], world: World) -> Any:
    return client.get("/api/v1/challenges", params={"source": SOURCE}, headers=world.headers(Scope.READ)).json()


def refused(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def tell(client: TestClient[Any], world: World, old: str, new: str) -> int:
    """The source's record of what was set at this moment; its entry."""
    now_us = world.clock.now_us()
    sent = submission(
        now_us,
        occurred_at={
            "text": utc_text(now_us),
            "precision": "microsecond",
            "basis": "source-zone",
            "instant_us": now_us,
        },
        object={"type": "tag", "id": "TEST"},
        changes=[{"attribute": "Value", "old": old, "new": new}],
    )
    sent["received_at"] = utc_text(now_us)
    headers = world.headers(Scope.INGEST)
    cursor = client.get(f"/api/v1/sources/{SOURCE}/state", headers=headers).json().get("cursor")
    answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run([sent], (cursor, str(now_us))), headers=headers)
    index: int = answer.json()["outcomes"][0]["index"]
    return index


def test_a_challenge_is_set_planted_by_hand_judged_missed_and_retired(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    assert (listed(client, world), plantings(client, world)["plantings"]) == ([], [])
    made = post(client, world, "", {**NEW, "every_s": 3600})
    assert made.status_code == 201, made.text
    (one,) = listed(client, world)
    assert (one["entry"], one["planted_by"], one["last"], one["zone"]) == (made.json()["index"], "by-hand", None, "UTC")
    planted = post(client, world, f"/{NAME}/plantings", {"old": "first", "new": "second"})
    assert planted.json()["run"]["new"] == "second", planted.text
    index = tell(client, world, "first", "second")
    (result,) = post(client, world, f"/{NAME}/judgement", {}).json()
    assert (result["state"], result["record"]) == ("arrived", index)
    assert all(one["holds"] for one in result["compared"])
    world.clock.pass_seconds(5)
    post(client, world, f"/{NAME}/plantings", {"new": "third"})
    assert post(client, world, f"/{NAME}/judgement", {}).json() == [], "it may still arrive"
    world.clock.pass_seconds(120)
    (result,) = post(client, world, f"/{NAME}/judgement", {}).json()
    assert (result["state"], result["record"]) == ("missed", None)
    (missed,) = plantings(client, world, result="missed")["plantings"]
    assert (missed["run"]["old"], missed["run"]["new"]) == ("second", "third")
    first = plantings(client, world, limit=1)
    rest = plantings(client, world, limit=1, before=first["next_before"])
    assert [one["result"]["state"] for one in first["plantings"] + rest["plantings"]] == ["missed", "arrived"]
    assert (first["plantings"], rest["next_before"]) == ([missed], None)
    assert listed(client, world)[0]["last"] == missed
    with world.service.store.reader(1) as reader:
        found = [one for one in reader.entries(0, reader.head().size) if b'"schema":"finding/' in (one.body or b"")]
    assert FindingSort.CHALLENGE_MISSED.value.encode() in (found[-1].body or b"")
    assert post(client, world, f"/{NAME}/retirement", {"reason": "over"}).status_code == 201
    assert listed(client, world) == []
    assert len(plantings(client, world, challenge=NAME)["plantings"]) == 2
    refused(post(client, world, f"/{NAME}/plantings", {"new": "fourth"}), 404, "not_found")
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"",
        b"[]",
        b"{}",
        b'{"new":1}',
        b'{"new":""}',
        b'{"new":"a\\u0000"}',
        b'{"new":"x","by":"rest"}',
        b'{"new":"x","at":"yesterday"}',
        b'{"new":"x","at":"2999-01-01T00:00:00Z"}',
    ],
)
def test_what_says_nothing_that_was_planted_is_refused(
    shared_client: TestClient[Any], shared_world: World, body: bytes
) -> None:
    client, world = shared_client, shared_world
    post(client, world, "", NEW)
    headers = {**world.headers(Scope.CONFIGURE), "Content-Type": "application/json"}
    refused(client.post(f"{PATH}/{NAME}/plantings", content=body, headers=headers), 400, "schema_violation")
    assert plantings(client, world)["plantings"] == []


@pytest.mark.parametrize(
    "more",
    [
        {"planting": {"by": "rest", "options": [["url", "http://127.0.0.1/"]]}},
        {"by": "sql"},
        {"secrets": {"password": "file:/etc/passwd"}},
        {"cron": "every day"},
        {"cron": "0 6 * * *", "every_s": 3600},
        {"every_s": 1},
        {"zone": "Europe/Nowhere", "cron": "0 6 * * *"},
        {"limit_s": 0},
        {"tolerance_s": -1},
        {"challenge": "no/name"},
        {"object_id": "a\0b"},
        {"reason": ""},
    ],
)
def test_what_cannot_be_a_challenge_is_refused(
    shared_client: TestClient[Any], shared_world: World, more: dict[str, Any]
) -> None:
    refused(post(shared_client, shared_world, "", {**NEW, **more}), 400, "schema_violation")


def test_what_a_program_plants_is_said_at_the_terminal_alone(client: TestClient[Any], world: World) -> None:
    planting = Planting(by="rest", options=(("url", "http://127.0.0.1:9/"),), secrets=(), value="challenge {nonce}")
    expected = Expected(
        object_type=None, object_id="TEST", attribute=None, account=None, action=None, old=True, tolerance_us=1
    )
    log = world.service.record_log()
    log.challenges.put(
        Challenge(
            challenge="by-program", source=SOURCE, planting=planting, expected=expected, limit_s=60, cron=None,
            zone="UTC", every_s=None, retired=False, reason="set", authority=world.root,
        )
    )  # fmt: skip
    again = {**NEW, "challenge": "by-program", "limit_s": 90}
    refused(post(client, world, "", {**again, "value": "1..2"}), 400, "schema_violation")
    refused(post(client, world, "/by-program/plantings", {"new": "mine"}), 400, "schema_violation")
    (one,) = listed(client, world)
    assert (one["planted_by"], one["limit_s"]) == ("rest", 60)
    assert "url" not in str(one)


def test_a_challenge_belongs_to_its_source(shared_client: TestClient[Any], shared_world: World) -> None:
    client, world = shared_client, shared_world
    post(client, world, "", NEW)
    world.service.sources.register(SourceConfig(id=OTHER_SOURCE, type="test", title="DCS"), world.root)
    headers = world.headers(Scope.CONFIGURE)
    other = f"/api/v1/sources/{OTHER_SOURCE}/challenges"
    for what, body in (("plantings", {"new": "x"}), ("judgement", {}), ("retirement", {"reason": "x"})):
        refused(client.post(f"{other}/{NAME}/{what}", json=body, headers=headers), 404, "not_found")
    refused(client.post(other, json=NEW, headers=headers), 404, "not_found")
    refused(client.post("/api/v1/sources/nobody/challenges", json=NEW, headers=headers), 404, "not_found")
    staff = Staff(world.service)
    staff.person("owner1", Role.SOURCE_OWNER, sources=[OTHER_SOURCE])
    bound = {"Cookie": f"{COOKIE}={staff.session('owner1')}", **OWN_PAGE}
    refused(client.post(f"{PATH}/{NAME}/plantings", json={"new": "x"}, headers=bound), 403, "access_denied")
