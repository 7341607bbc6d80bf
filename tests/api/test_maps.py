"""The dated maps over HTTP: set, imported whole or not at all, listed by page, and asked as of a size."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.entry import decode_leaf
from ledger.people.access import Scope
from ledger.sources import maps
from ledger.store.sequencer import MAX_GROUP
from tests.api.world import SOURCE, World, run, submission

pytestmark = pytest.mark.sampled

Y1, Y2, Y3 = (f"202{year}-01-01T00:00:00.000000Z" for year in (4, 5, 6))
IDENTITIES = """source,account,person,kind,valid_from,valid_to
dcs,op1,P-1,person,2024-01-01 01:00,2025-01-01T00:00:00Z
dcs,op1,P-2,,2025-01-01 01:00,

dcs,"svc, nightly",,service,2024-01-01T00:00:00Z,
"""
ASSETS = """source,tag,site,unit,gxp,valid_from
dcs,"TIC101.SP
heater",S1,R-1,no,2024-01-01T00:00:00Z
"""


def ask(client: TestClient[Any], world: World, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/maps/{path}", params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


def send(client: TestClient[Any], world: World, path: str, body: Any) -> Any:
    headers = world.headers(Scope.CONFIGURE)
    if isinstance(body, str):
        query = {"reason": "list 7", "zone": "Europe/Berlin"}
        return client.post(f"/api/v1/maps/{path}", content=body, params=query, headers=headers)
    return client.post(f"/api/v1/maps/{path}", json=body, headers=headers)


def test_a_map_is_imported_corrected_and_asked_as_of_any_size(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    taken = send(client, world, "identities/import", "\ufeff" + IDENTITIES)
    assert taken.status_code == 201, taken.text
    first, second, third = taken.json()["entries"]
    assert (second, third) == (first + 1, first + 2)
    asked = {"source": "dcs", "account": "op1"}
    assert ask(client, world, "person", **asked, at="2025-01-01T00:59:59+01:00")["person"] == "P-1"
    assert ask(client, world, "person", **asked)["person"] == "P-2"
    entry = {"source": "dcs", "account": "op1", "person": "P-3", "valid_from": "2025-01-01T01:00:00+01:00"}
    corrected = send(client, world, "identities", {"entries": [entry], "reason": "wrong list"})
    (fourth,) = corrected.json()["entries"]
    assert ask(client, world, "person", **asked)["person"] == "P-3"
    assert ask(client, world, "person", **asked, size=fourth)["person"] == "P-2"
    listed = ask(client, world, "identities", account="op1")
    assert [(one["person"], one["entry"]) for one in listed["identities"]] == [("P-1", first), ("P-3", fourth)]
    assert [one["person"] for one in ask(client, world, "identities", at=Y3)["identities"]] == [None, "P-3"]
    assert ask(client, world, "identities", size=second)["identities"][0]["person"] == "P-1"
    with world.service.store.reader(1) as reader:
        body = world.service.store.kinds["identity"].decode(reader.entry(fourth).body or b"")
    assert (body.reason, body.authority.actor[:10]) == ("wrong list", "configure-")  # type: ignore[attr-defined]
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


def test_pages_hold_every_line_once_as_of_one_size(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    entries = [{"source": "dcs", "tag": f"T{n % 3}", "unit": f"R-{n}", "valid_from": f"20{n + 10}-01-01T00:00:00Z"}
               for n in range(7)]  # fmt: skip
    assert send(client, world, "assets", {"entries": entries, "reason": "drawing"}).status_code == 201
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    for _ in range(3):
        page = ask(client, world, "assets", **query)
        seen += [one["unit"] for one in page["assets"]]
        if len(seen) == 3:
            later = {"entries": [entries[6] | {"unit": "R-99"}], "reason": "corrected while somebody reads"}
            assert send(client, world, "assets", later).status_code == 201
        query |= {"size": page["size"], "after": page["next_after"]}
    assert (seen, query["after"]) == ([f"R-{n}" for n in range(7)], None)
    assert ask(client, world, "place", source="dcs", tag="T0")["unit"] == "R-99"


def test_a_tag_and_a_shift_are_found(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    assert send(client, world, "assets/import", ASSETS).status_code == 201
    told = ask(client, world, "place", source="dcs", tag="TIC101.SP\nheater")
    assert (told["site"], told["unit"], told["gxp"]) == ("S1", "R-1", False)
    night = {"name": "night", "days": [1, 2, 3, 4, 5], "start": "22:00", "end": "06:00"}
    calendar = {"calendar": "site", "zone": "Europe/Berlin", "shifts": [night], "valid_from": Y1}
    assert send(client, world, "calendars", {"entries": [calendar], "reason": "agreement"}).status_code == 201
    assert ask(client, world, "shift", calendar="site", at="2026-11-28T05:00:00+01:00")["shift"] == "night"
    assert ask(client, world, "calendars")["calendars"][0]["shifts"] == 1
    for path, query in (
        ("shift", {"calendar": "site", "at": "2026-11-29T05:00:00+01:00"}),
        ("person", {"source": "dcs", "account": "nobody"}),
        ("place", {"source": "erp", "tag": "TIC101.SP"}),
    ):
        answer = client.get(f"/api/v1/maps/{path}", params=query, headers=world.headers(Scope.READ))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_an_entry_is_answered_with_its_person_and_place(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    entry = {"source": SOURCE, "account": "operator1", "person": "P-1", "valid_from": Y1}
    assert send(client, world, "identities", {"entries": [entry], "reason": "list"}).status_code == 201
    sent = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run([submission(1)]), headers=world.headers(Scope.INGEST))
    index = sent.json()["outcomes"][0]["index"]
    place = {"source": SOURCE, "tag": "TIC1.SP", "unit": "R-1", "valid_from": Y1}
    assert send(client, world, "assets", {"entries": [place], "reason": "drawing"}).status_code == 201
    answer = client.get(f"/api/v1/logs/records/entries/{index}", headers=world.headers(Scope.READ)).json()["resolved"]
    assert (answer["person"]["person"], answer["person_then"]["person"]) == ("P-1", "P-1")
    assert (answer["place"]["unit"], answer["place_then"]) == ("R-1", None)


@pytest.mark.requirement("R61")
def test_a_shared_account_is_nobody_s_and_a_class_is_told(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    entry = {"source": SOURCE, "account": "operator1", "shared": True, "valid_from": Y1}
    assert send(client, world, "identities", {"entries": [entry], "reason": "list"}).status_code == 201
    refused = send(client, world, "identities", {"entries": [entry | {"person": "P-1"}], "reason": "list"})
    assert (refused.status_code, "is shared, and given to 'P-1'" in refused.json()["detail"]) == (400, True)
    place = {"source": SOURCE, "tag": "TIC1.SP", "asset_class": "reactor", "critical": True, "valid_from": Y1}
    assert send(client, world, "assets", {"entries": [place], "reason": "drawing"}).status_code == 201
    sent = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run([submission(1)]), headers=world.headers(Scope.INGEST))
    index = sent.json()["outcomes"][0]["index"]
    answer = client.get(f"/api/v1/logs/records/entries/{index}", headers=world.headers(Scope.READ)).json()["resolved"]
    assert (answer["person"]["person"], answer["person"]["shared"]) == (None, True)
    assert (answer["place"]["asset_class"], answer["place"]["critical"]) == ("reactor", True)


def test_every_wrong_place_of_a_list_is_named_and_nothing_of_it_is_stored(
    shared_client: TestClient[Any], shared_world: World
) -> None:
    rows = ["source,account,person,kind,valid_from,valid_to"]
    rows += ["dcs,op1,P-1,person,2026-01-01T00:00:00Z,"]
    rows += ["dcs,,P-1,robot,soon,"]
    rows += ["dcs,op3,P-1,,2026-01-01T00:00:00Z,2025-01-01T00:00:00Z"]
    rows += [f"dcs,{'x' * 513},P-1,,2026-01-01T00:00:00Z,"]
    rows += ["dcs,op\0,P-1,,2026-01-01T00:00:00Z,", "dcs,op5,P-1,,2026-01-01T00:00:00Z,,more"]
    answer = send(shared_client, shared_world, "identities/import", "\n".join(rows))
    assert (answer.status_code, answer.json()["code"]) == (400, "rows_refused")
    faults = [(one["line"], one["column"]) for one in answer.json()["faults"]]
    assert faults == [
        (3, "kind"), (3, "valid_from"), (3, "account"), (4, "valid_to"), (5, "account"), (6, "account"), (7, None),
    ]  # fmt: skip
    assert "soon" in answer.json()["faults"][1]["what"]
    assert ask(shared_client, shared_world, "identities")["identities"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("source,account\ndcs,op1\n", "schema_violation"),
        ("source,account,valid_from,colour\n", "schema_violation"),
        ("source,account,account,valid_from\na,b,c,2026-01-01T00:00:00Z\n", "schema_violation"),
        ("source,account,valid_from\n", "schema_violation"),
        ("", "schema_violation"),
        ('source,account,valid_from\ndcs,"op1', "rows_refused"),
        ("source,account,valid_from\ndcs,op1,0001-01-01T00:00:00+14:00\n", "rows_refused"),
    ],
)
def test_what_is_no_list_is_refused(shared_client: TestClient[Any], shared_world: World, body: str, code: str) -> None:
    answer = send(shared_client, shared_world, "identities/import", body)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text


def test_a_list_that_is_too_long_or_no_text_is_refused(
    shared_client: TestClient[Any], shared_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.api.map_imports.AT_ONCE", 2)
    headers = shared_world.headers(Scope.CONFIGURE)
    path = "/api/v1/maps/identities/import"
    for body in (IDENTITIES.encode(), b"source,account\nerp,\xff\n"):
        answer = shared_client.post(path, content=body, params={"reason": "x"}, headers=headers)
        assert answer.status_code == 400, answer.text
    big = shared_client.post(path, content=bytes(9 * 1024 * 1024), params={"reason": "x"}, headers=headers)
    assert (big.status_code, big.json()["code"]) == (413, "too_large")
    assert shared_client.post(path, content=b"", headers=headers).status_code == 400, "no reason given"
    wrong = shared_client.post(path, content=b"", params={"reason": "x", "zone": "Mars/Olympus"}, headers=headers)
    assert (wrong.status_code, "Mars" in wrong.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    "entry",
    [
        {"source": "dcs", "account": "op1", "valid_from": Y2, "valid_to": Y1},
        {"source": "dcs", "account": "op1", "valid_from": "2026-01-01T00:00:00"},
        {"source": "dcs", "account": "op\0", "valid_from": Y1},
        {"source": "", "account": "op1", "valid_from": Y1},
        {"source": "dcs", "account": "op1", "valid_from": Y1, "colour": "red"},
    ],
)
def test_one_wrong_entry_keeps_all_of_a_call_out(
    shared_client: TestClient[Any], shared_world: World, entry: dict[str, Any]
) -> None:
    good = {"source": "mes", "account": "op1", "valid_from": Y1}
    answer = send(shared_client, shared_world, "identities", {"entries": [good, entry], "reason": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "schema_violation"), answer.text
    assert ask(shared_client, shared_world, "identities", source="mes")["identities"] == []


def test_a_size_that_is_not_there_yet_and_a_bad_moment_are_refused(
    shared_client: TestClient[Any], shared_world: World
) -> None:
    for query in ({"size": 10**6}, {"at": "yesterday"}, {"at": "0001-01-01T00:00:00+14:00"}, {"source": "a\0"}):
        answer = shared_client.get("/api/v1/maps/assets", params=query, headers=shared_world.headers(Scope.READ))
        assert answer.status_code == 400, query


def test_a_long_list_goes_in_by_one_transaction(client: TestClient[Any], world: World) -> None:
    count = MAX_GROUP + 100
    assert count < maps.AT_ONCE
    lines = "".join(f"dcs,op{n},2026-01-01T00:00:00Z\n" for n in range(count))
    answer = send(client, world, "identities/import", f"source,account,valid_from\n{lines}")
    entries = answer.json()["entries"]
    assert entries == list(range(entries[0], entries[0] + count))
    with world.service.store.reader(1) as reader:
        logged = {decode_leaf(reader.entry(at).leaf).logged_at for at in (entries[0], entries[-1])}
    assert len(logged) == 1, "entries of one transaction are logged at one instant"
