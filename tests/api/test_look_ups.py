"""Searching for a person takes a purpose, and is an entry before it is answered; nobody is ranked or counted."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.api.gate import declared_routes
from ledger.core.clock import utc_text
from ledger.core.errors import PurposeRequired
from ledger.core.record import ActorKind
from ledger.people.access import Scope
from ledger.people.evaluations import EvaluationId
from ledger.people.kinds import AccountEntry, AccountSort, AccountState
from ledger.people.names import account_draft
from ledger.people.notice_kinds import Subject
from ledger.people.profile import Profiles
from ledger.sources.map_kinds import IdentityMapped
from ledger.store.counting import FACETS, LINKED
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from tests.api.world import SOURCE, World, run, submission
from tests.support.application import app_of
from tests.support.postgres import chosen_database

pytestmark = pytest.mark.sampled

SEARCH = "/api/v1/logs/records/search"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with records of two actors, a person whose name is sealed, and one that the identity map knows."""
    database = chosen_database(request)
    world = World(tmp_path_factory.mktemp("looked") / "ledger", postgres=database)
    records = [submission(number, reason=f"charge {number} for Ada's lot") for number in range(3)]
    records.append(submission(3, actor={"account": "DCS-17", "kind": "device"}))
    with TestClient(app_of(world.service)) as client:
        answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run(records), headers=world.headers(Scope.INGEST))
        assert answer.status_code == 201, answer.text
    for account, title, seal in (("alovelace", "Ada Lovelace", True), ("gmendel", "Gregor Mendel", False)):
        entry = AccountEntry(
            account=account,
            sort=AccountSort.PERSON,
            state=AccountState.ACTIVE,
            title=title,
            reason="joins",
            authority=world.root,
        )
        world.service.store.append_one(SYSTEM_LOG, account_draft(entry, seal))
    mapped = IdentityMapped(
        source=SOURCE,
        account="op7",
        person="P-0815",
        kind=ActorKind.PERSON,
        valid_from=utc_text(0),
        valid_to=None,
        reason="map",
        authority=world.root,
    )
    world.service.record_log().maps.put([mapped])
    yield world
    world.close()


@pytest.fixture
def client(filled: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(filled.service)) as made:
        yield made


PERSONS = [
    {"actor": "operator1"},
    {"actor": "nobody-known"},
    {"link_kind": "person", "link_id": "P-1"},
    {"link_kind": "person"},
    {"link_id": "p-0815"},
    {"object_id": "gmendel"},
    {"text": "OPERATOR1"},
    {"text": "setpoint operator1"},
    {"text": "dcs-17"},
    {"text": "p-0815"},
    {"text": "op7"},
    {"text": "lovelace"},
    {"text": "Mendel"},
    {"text": "gregor mendel"},
    {"link": "person:nobody-known"},
    {"link": "equipment:OPERATOR1"},
    {"workstation": "operator1"},
    {"person": "P-0815"},
    {"person": "nobody-known"},
    {"role": "Mendel"},
]
NOBODY = [{"text": "setpoint"}, {"text": "charge"}, {"object_id": "TIC1.SP"}, {"link_kind": "batch", "link_id": "B-1"}]


@pytest.mark.parametrize("query", PERSONS, ids=str)
def test_a_search_for_a_person_is_refused_without_a_purpose_and_entered_with_one(
    filled: World, client: TestClient[Any], query: dict[str, str]
) -> None:
    headers = filled.headers(Scope.READ)
    before = len(filled.system_entries("look-up"))
    refused = client.get(SEARCH, params=query, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_required")
    assert len(filled.system_entries("look-up")) == before
    answer = client.get(SEARCH, params=query | {"purpose": "investigation"}, headers=headers)
    assert answer.status_code == 200, answer.text
    entered = filled.system_entries("look-up")
    assert len(entered) == before + 1
    last = entered[-1]
    assert (last["event"], last["purpose"], last["log"]) == ("searched", "investigation", "records")
    assert last["count"] == len(answer.json()["hits"])
    assert last["authority"]["actor"] == last["account"]
    typed = {value.casefold().partition(":")[2] or value.casefold() for value in query.values()}
    assert not any(word in str(last) for word in typed - {"person"}), "who was searched for stands in the vault alone"


@pytest.mark.parametrize("query", NOBODY, ids=str)
def test_a_search_for_no_person_asks_for_nothing_and_is_no_entry(
    filled: World, client: TestClient[Any], query: dict[str, str]
) -> None:
    before = len(filled.system_entries("look-up"))
    assert client.get(SEARCH, params=query, headers=filled.headers(Scope.READ)).status_code == 200
    assert len(filled.system_entries("look-up")) == before


def test_inside_an_open_purpose_it_is_asked_once_and_every_search_is_still_an_entry(
    filled: World, client: TestClient[Any]
) -> None:
    headers = filled.headers(Scope.READ)
    opened = client.post(
        "/api/v1/purposes",
        json={"purpose": "inspection", "context": "inspection of November", "minutes": 30},
        headers=headers,
    ).json()
    query = {"actor": "operator1"}
    assert [client.get(SEARCH, params=query, headers=headers).status_code for _ in range(2)] == [200, 200]
    mine = [one for one in filled.system_entries("look-up") if one.get("session") == opened["session"]]
    assert [one["event"] for one in mine] == ["opened", "searched", "searched"]
    assert {one["purpose"] for one in mine} == {"inspection"}
    other = filled.token(Scope.READ)
    shown = {"Authorization": f"Bearer {other.token}"}
    assert client.get(SEARCH, params=query, headers=shown).status_code == 403, "another account has none open"
    assert client.delete(f"/api/v1/purposes/{opened['session']}", headers=shown).status_code == 404
    assert client.delete(f"/api/v1/purposes/{opened['session']}", headers=headers).status_code == 200
    assert client.get(SEARCH, params=query, headers=headers).status_code == 403


def test_an_open_purpose_ends_by_itself(tmp_path: Path) -> None:
    world = World(tmp_path / "ledger")
    look_ups = world.service.look_ups
    from ledger.privacy.look_up_kinds import Purpose

    look_ups.open("reviewer1", Purpose.REVIEW, "AT-1", 5, world.root)

    def allowed() -> object:
        with world.service.store.reading() as connection:
            return look_ups.allow(connection, 1, Query(actor="x"), "reviewer1", None)

    assert allowed() is not None
    world.clock.pass_seconds(301)
    with pytest.raises(PurposeRequired):
        allowed()
    world.close()


def test_who_looked_at_whom_is_reported_to_administrators_and_to_the_person(
    filled: World, client: TestClient[Any]
) -> None:
    reader = filled.headers(Scope.READ)
    client.get(SEARCH, params={"text": "Mendel", "purpose": "security"}, headers=reader)
    client.get(SEARCH, params={"text": "gmendel", "purpose": "security"}, headers=reader)
    admin = filled.headers(Scope.ADMIN)
    found = client.get("/api/v1/look-ups", params={"person": "GMENDEL"}, headers=admin).json()
    assert ("gmendel",) in {tuple(one["persons"]) for one in found}
    assert all("gmendel" in one["persons"] for one in found)
    assert client.get("/api/v1/look-ups", headers=reader).status_code == 403
    about = filled.service.look_ups.report(None, "gmendel")
    assert [one.index for one in about] == [one["index"] for one in found]
    assert client.get("/api/v1/look-ups/me", headers=reader).json() == []
    filled.service.rotate_digest(filled.root)
    assert filled.service.look_ups.report(None, "gmendel") == about


def test_the_pages_ask_for_the_purpose_and_enter_the_search(filled: World) -> None:
    with TestClient(app_of(filled.service, "UTC")) as client:
        headers = filled.headers(Scope.READ)
        before = len(filled.system_entries("look-up"))
        asked = client.get("/search", params={"actor": "operator1"}, headers=headers)
        assert asked.status_code == 400
        assert "This searches for a person" in asked.text
        assert "TIC0.SP" not in asked.text
        found = client.get("/search", params={"actor": "operator1", "purpose": "review"}, headers=headers)
        assert found.status_code == 200
        assert "TIC0.SP" in found.text
        assert '<aside class="facets' not in found.text
        assert len(filled.system_entries("look-up")) == before + 1


def test_no_route_and_no_facet_groups_ranks_or_counts_by_person(filled: World, client: TestClient[Any]) -> None:
    assert not {"actor", "account", "person"} & {*FACETS, *LINKED}
    headers = filled.headers(Scope.READ)
    answer = client.get(SEARCH, params={"text": "setpoint", "with_facets": "true"}, headers=headers).json()
    assert set(answer["facets"]) == set(FACETS)
    one = client.get(
        SEARCH, params={"actor": "operator1", "purpose": "review", "with_facets": "true"}, headers=headers
    ).json()
    assert (one["facets"], one["linked"]) == (None, None)
    words = re.compile(r"rank|top|statistic|leader|performance|score|per[-_]?(person|actor|account|user)")
    for path, handler in declared_routes(client.app):
        # Of rules it is counted what came of them: which rule, never who.
        assert not words.search(path.replace("/rules/statistics", "/rules/")), path
        for name in handler.parsed_fn_signature.parameters:
            # Records may be put in the order of who did what (R51); nobody is counted by that.
            assert name == "sort" or not re.search(r"group|rank|order_by|sort", name), (path, name)
    schema = client.get("/api/v1/openapi.json", headers=headers)
    if schema.status_code == 200:
        for name, shape in schema.json()["components"]["schemas"].items():
            members = set(shape.get("properties", {}))
            counted = {one for one in members if one == "count" or one.endswith("_count") or one == "records"}
            person = members & {"actor", "person"}
            assert not (counted and person), f"{name} counts something for a person"


def test_the_list_of_evaluations_is_complete_exported_and_each_can_be_off(tmp_path: Path) -> None:
    world = World(tmp_path / "ledger")
    with TestClient(app_of(world.service)) as client:
        headers, admin = world.headers(Scope.READ), world.headers(Scope.ADMIN)
        listed = client.get("/api/v1/evaluations", headers=headers).json()
        assert [one["evaluation"] for one in listed] == [one.value for one in EvaluationId]
        assert all(one["on"] and all(one[part] for part in ("rule", "data", "purpose", "seen_by")) for one in listed)
        text = client.get("/api/v1/evaluations.csv", headers=headers).text
        assert text.splitlines()[0] == "evaluation,on,rule,data,purpose,seen_by,without"
        assert len(text.splitlines()) == len(EvaluationId) + 1
        Profiles(world.service.store).set(
            "evaluations_off", [one.value for one in EvaluationId], "works agreement", world.root
        )
        assert client.get("/api/v1/look-ups", headers=admin).status_code == 404
        assert not any(one["on"] for one in client.get("/api/v1/evaluations", headers=headers).json())
        with world.service.store.reading() as connection:
            from ledger.people.persons import last_used

            assert last_used(connection) == {}
        assert world.service.telling.about_lock("anybody", 0) == []
    world.close()


def test_the_pages_show_ones_notices_who_looked_for_whom_and_what_is_evaluated(filled: World) -> None:
    service = filled.service
    account = filled.people.directory.find(filled.tokens[Scope.ADMIN].token).caller.account
    service.notices.tell([account], Subject.TASK_DUE, title="<b>Review</b>", due="today")
    with TestClient(app_of(service, "UTC")) as client:
        admin, reader = filled.headers(Scope.ADMIN), filled.headers(Scope.READ)
        client.get(SEARCH, params={"text": "Mendel", "purpose": "security"}, headers=reader)
        told = client.get("/notices", headers=admin)
        assert told.status_code == 200
        assert "&lt;b&gt;Review&lt;/b&gt;" in told.text
        assert "Review" not in client.get("/notices", headers=reader).text
        shown = client.get("/look-ups", params={"person": "MENDEL"}, headers=admin)
        assert "mendel" in shown.text
        assert "Misuse of an account" in shown.text
        assert "mendel" not in client.get("/look-ups", params={"person": "nobody\0"}, headers=admin).text
        assert client.get("/look-ups", headers=reader).status_code == 403
        listed = client.get("/evaluations", headers=reader)
        assert listed.status_code == 200
        assert all(f'id="{one.value}"' in listed.text for one in EvaluationId)


def test_notices_are_asked_for_tested_and_their_key_told_over_http(filled: World, client: TestClient[Any]) -> None:
    admin, reader = filled.headers(Scope.ADMIN), filled.headers(Scope.READ)
    assert client.get("/api/v1/notices/key", headers=reader).json() == {"vkey": None}
    told = client.post("/api/v1/notices/test", headers=admin).json()["notice"]
    assert told in {one["notice"] for one in client.get("/api/v1/notices", headers=admin).json()}
    assert client.get("/api/v1/notices/outgoing", headers=reader).status_code == 403
    assert client.get("/api/v1/notices/outgoing", headers=admin).json() == []
