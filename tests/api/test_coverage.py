"""Completeness over HTTP: what is known of a source's time, its numbers, its exposure, as of any size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from reports.complete import verify_statement
from reports.verdict import ExitCode
from tests.api.world import AT, SOURCE, World, run, submission

BEGIN, BEFORE, AFTER, END = (f"2026-11-25T07:{minute}:00.000000Z" for minute in ("00", "05", "20", "30"))


def told(instant: str) -> dict[str, Any]:
    return {"text": instant, "precision": "microsecond", "basis": "source-zone", "instant_us": _us(instant)}


def _us(instant: str) -> int:
    return {BEFORE: 1_795_590_300_000_000, AFTER: 1_795_591_200_000_000}[instant]


def collect(client: TestClient[Any], world: World, numbers: list[tuple[int, str]], **more: Any) -> dict[str, Any]:
    """A run of records with these numbers of the source's own; all happened, and were recorded, five past seven."""
    headers = world.headers(Scope.INGEST)
    state = client.get(f"/api/v1/sources/{SOURCE}/state", headers=headers).json()
    when = {"occurred_at": told(BEFORE), "source_recorded_at": told(BEFORE)}
    rows = [submission(number, source_sequence=text, **when) for number, text in numbers]
    cursor = int(state.get("cursor") or 0)
    body = run(rows, (state.get("cursor"), str(cursor + 1)), started_at=BEFORE, **({"ended_at": AFTER} | more))
    answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def ask(client: TestClient[Any], world: World, what: str, status: int = 200, **query: Any) -> Any:
    given = {"from": BEGIN, "to": END} | query
    path = f"/api/v1/sources/{given.pop('source', SOURCE)}/{what}"
    answer = client.get(path, params=given, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.requirement("C08")
def test_an_interval_is_answered_in_stretches_by_page_and_as_of_a_size(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    gone = [{"after": "2026-11-25T07:07:00.000000Z", "before": AT}]
    first = collect(client, world, [(1, "1")], unreachable=gone)["run"]
    answer = ask(client, world, "coverage")
    assert [(one["after"], one["before"], one["state"]) for one in answer["stretches"]] == [
        (BEGIN, BEFORE, "before"),
        (BEFORE, gone[0]["after"], "covered"),
        (gone[0]["after"], AT, "unreachable"),
        (AT, AFTER, "covered"),
        (AFTER, END, "not-yet"),
    ]
    assert (answer["runs"], answer["known_until"], answer["size"], answer["next_from"]) == (1, AFTER, first + 1, None)
    assert answer["seconds"] == {
        "before": 300, "covered": 120 + 593.876544, "unreachable": 186.123456, "gap": 0, "not-yet": 600,
    }  # fmt: skip
    assert answer["stretches"][2] | {"reason": ""} == {
        "after": gone[0]["after"], "before": AT, "state": "unreachable", "first_run": first, "last_run": first,
        "reason": "",
    }  # fmt: skip
    assert answer["checkpoint"] is None
    world.service.publish_all()
    for what in ("coverage", "sequence", "exposure"):
        told_of = ask(client, world, what, size=first + 1)["checkpoint"]
        assert (told_of["origin"], told_of["size"]) == (world.service.record_log().log.origin, first + 1)
    answer = ask(client, world, "coverage", size=first + 1)
    page = ask(client, world, "coverage", limit=2)
    rest = ask(client, world, "coverage", **{"from": page["next_from"], "size": page["size"]})
    assert page["stretches"] + rest["stretches"] == answer["stretches"]
    collect(client, world, [(2, "2")], ended_at=END)
    assert ask(client, world, "coverage")["known_until"] == END
    assert ask(client, world, "coverage", size=first + 1) == answer
    local = {"from": "2026-11-25T08:00:00", "to": "2026-11-25T08:30:00", "zone": "Europe/Berlin", "size": first + 1}
    assert ask(client, world, "coverage", **local) == answer


def test_numbers_and_exposure_of_an_interval(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    entries = [one["index"] for one in collect(client, world, [(1, "A1"), (2, "A2"), (3, "A5")])["outcomes"]]
    asked = ask(client, world, "sequence")
    assert (asked["policy"], asked["series"][0]["missing"], asked["unnumbered"]) == (None, [[3, 4]], 0)
    set_ = {"name": "sequence", "source": SOURCE, "value": {"policy": "every"}, "reason": "manual"}
    headers = world.headers(Scope.CONFIGURE)
    entry = client.post("/api/v1/parameters", json=set_, headers=headers).json()["index"]
    again = ask(client, world, "sequence")
    assert (again["policy"], again["entry"], again["wraps"]) == ("every", entry, None)
    exposure = ask(client, world, "exposure")
    assert (exposure["records"], exposure["unknown"], exposure["negative"]) == (3, 0, 0)
    assert exposure["median_s"] == exposure["longest_s"] == 306.123456
    assert (exposure["limit_s"], exposure["over"], exposure["over_entries"]) == (None, 0, [])
    limit = {"name": "exposure", "value": {"limit_s": 300}, "reason": "risk"}
    client.post("/api/v1/parameters", json=limit, headers=headers)
    over = ask(client, world, "exposure")
    assert (over["limit_s"], over["over"], over["over_entries"]) == (300, 3, entries)
    assert ask(client, world, "exposure", size=exposure["size"]) == exposure


def test_what_was_received_is_stated_and_its_file_verified(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    collect(client, world, [(1, "1"), (2, "2")])
    path, body = f"/api/v1/sources/{SOURCE}/completeness", {"since": BEGIN, "until": END, "reason": "review"}
    answer = client.post(path, json=body, headers=world.headers(Scope.CONFIGURE))
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["statement"]["records"], told["statement"]["size"]) == (2, told["index"])
    vkey = world.service.vkey(world.service.record_log().log)
    assert verify_statement(told["file"].encode(), [vkey]).exit_code is ExitCode.HOLDS
    shown = client.get(f"/api/v1/logs/records/entries/{told['index']}", headers=world.headers(Scope.READ)).json()
    assert "coverage-statement" in str(shown)
    listed = client.get(path, headers=world.headers(Scope.READ)).json()["statements"]
    assert [(one["entry"], one["statement"]["records"]) for one in listed] == [(told["index"], 2)]
    beyond = client.get(path, params={"after": told["index"]}, headers=world.headers(Scope.READ)).json()
    assert (beyond["statements"], beyond["next_after"]) == ([], None)
    wrong = client.post(path, json=body | {"until": BEGIN}, headers=world.headers(Scope.CONFIGURE))
    assert (wrong.status_code, "ends before it begins" in wrong.text) == (400, True)
    assert client.post(path, json=body, headers=world.headers(Scope.READ)).status_code == 403


def test_a_count_by_hand_is_held_against_the_log(shared_client: TestClient[Any], shared_world: World) -> None:
    client, world = shared_client, shared_world
    collect(client, world, [(1, "1"), (2, "2")])
    path, span = f"/api/v1/sources/{SOURCE}/reconciliations", {"since": BEGIN, "until": AFTER, "reason": "review"}
    entries = []
    for number, holds in ((2, True), (3, False)):
        answer = client.post(path, json=span | {"count": number}, headers=world.headers(Scope.CONFIGURE))
        assert answer.status_code == 201, answer.text
        assert answer.json()["reconciliation"]["holds"] is holds
        entries.append(answer.json()["entry"])
    page = client.get(path, params={"limit": 1}, headers=world.headers(Scope.READ)).json()
    assert [one["entry"] for one in page["reconciliations"]] == entries[:1]
    rest = client.get(path, params={"after": page["next_after"]}, headers=world.headers(Scope.READ)).json()
    assert ([one["entry"] for one in rest["reconciliations"]], rest["next_after"]) == (entries[1:], None)
    late = client.post(path, json=span | {"until": END, "count": 2}, headers=world.headers(Scope.CONFIGURE))
    assert (late.status_code, "not up to" in late.text) == (400, True)
    assert client.post(path, json=span | {"count": -1}, headers=world.headers(Scope.CONFIGURE)).status_code == 400


@pytest.mark.parametrize("what", ["coverage", "sequence", "exposure"])
@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"from": END, "to": BEGIN}, 400, "ends before it begins"),
        ({"from": "2026-11-25T07:00:00"}, 400, "no instant"),
        ({"zone": "Europe/Atlantis"}, 400, "Europe/Atlantis"),
        ({"to": "2026-10-25T02:30:00", "from": "2026-01-01T00:00:00", "zone": "Europe/Berlin"}, 400, "no instant"),
        ({"source": "none"}, 404, "none"),
        ({"log": "system"}, 404, "system"),
        ({"size": 1_000_000}, 400, "1000000"),
    ],
)
def test_what_is_wrong_is_named(
    shared_client: TestClient[Any], shared_world: World, what: str, query: dict[str, Any], status: int, said: str
) -> None:
    assert said in str(ask(shared_client, shared_world, what, status, **query))
