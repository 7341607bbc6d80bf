"""The life of a source over HTTP: validated, suspended, resumed, and ended by two people."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.source import SourceConfig
from ledger.people.access import Scope
from tests.api.world import SOURCE, World, bearer, run, submission

PATH = f"/api/v1/sources/{SOURCE}"


def decide(client: TestClient[Any], world: World, what: str, headers: Any = None, **body: Any) -> Any:
    body.setdefault("reason", "decided")
    return client.post(f"{PATH}/life/{what}", json=body, headers=headers or world.headers(Scope.CONFIGURE))


def collect(client: TestClient[Any], world: World, number: int, **more: Any) -> Any:
    state = client.get(f"{PATH}/state", headers=world.headers(Scope.INGEST)).json()
    body = run([submission(number)], (state.get("cursor"), str(number)), **more)
    return client.post(f"{PATH}/runs", json=body, headers=world.headers(Scope.INGEST))


def life(client: TestClient[Any], world: World, **query: Any) -> Any:
    answer = client.get(f"{PATH}/life", params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_source_is_validated_changed_suspended_and_ended_by_two(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    index = collect(client, world, 1, facts={"version": "8.2"}).json()["outcomes"][0]["index"]
    assert life(client, world)["state"] == "connected"
    done = decide(client, world, "validation", sample=[index], reason="compared with the screen")
    assert (done.status_code, life(client, world)["since"]) == (201, done.json()["index"])
    collect(client, world, 2, facts={"version": "8.4"})
    assert (life(client, world)["state"], life(client, world)["facts"]["version"]) == ("re-validate", "8.4")
    assert decide(client, world, "suspension").status_code == 201
    assert (collect(client, world, 3).status_code, life(client, world)["state"]) == (409, "suspended")
    assert decide(client, world, "suspension").status_code == 409
    assert decide(client, world, "resumption").status_code == 201
    second = bearer(world.token(Scope.CONFIGURE, "second").token)
    early = decide(client, world, "decommissioning", second)
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert decide(client, world, "closing", at_source=2).status_code == 201
    alone = decide(client, world, "decommissioning")
    assert (alone.status_code, alone.json()["code"]) == (403, "self_approval")
    assert decide(client, world, "decommissioning", second).status_code == 201
    assert collect(client, world, 4).status_code == 409
    told = life(client, world)
    events = [one["life"]["event"] for one in told["history"]]
    assert (told["state"], events) == (
        "decommissioned",
        ["identified", "validated", "changed", "suspended", "resumed", "closing", "decommissioned"],
    )
    assert told["history"][-1]["life"]["account"]["records"] == 2
    assert told["history"][-1]["life"]["authority"]["actor"] == "second"
    first = life(client, world, limit=4)
    rest = life(client, world, limit=4, after=first["next_after"])
    assert (first["history"] + rest["history"], rest["next_after"]) == (told["history"], None)
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


def test_a_record_says_where_its_source_stood_when_it_was_collected(client: TestClient[Any], world: World) -> None:
    def state(index: int) -> str | None:
        answer = client.get(f"/api/v1/logs/records/entries/{index}", headers=world.headers(Scope.READ))
        assert answer.status_code == 200, answer.text
        found: str | None = answer.json()["source_state"]
        return found

    first = collect(client, world, 1, facts={"version": "8.2"}).json()
    decide(client, world, "validation", sample=[first["outcomes"][0]["index"]])
    validated = collect(client, world, 2).json()["outcomes"][0]["index"]
    waiting = collect(client, world, 3, facts={"version": "8.4"}).json()
    assert state(first["outcomes"][0]["index"]) == "connected"
    assert state(validated) == "validated"
    assert state(waiting["outcomes"][0]["index"]) == "re-validate"
    assert state(waiting["run"]) is None


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("validation", {"sample": [0]}, 400, "schema_violation"),
        ("validation", {"sample": [10**9]}, 404, "not_found"),
        ("validation", {"sample": []}, 400, "schema_violation"),
        ("resumption", {}, 409, "conflict"),
        ("decommissioning", {}, 409, "conflict"),
        ("closing", {"at_source": -1}, 400, "schema_violation"),
        ("suspension", {"reason": "\0"}, 400, "schema_violation"),
        ("suspension", {"reason": ""}, 400, "schema_violation"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    shared_client: TestClient[Any], shared_world: World, what: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = decide(shared_client, shared_world, what, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert life(shared_client, shared_world)["history"] == []


def test_an_unknown_source_has_no_life_and_one_of_an_unknown_type_no_statement(
    shared_client: TestClient[Any], shared_world: World
) -> None:
    for path in ("nobody/life", "nobody/statement", "nobody/mappings", f"{SOURCE}/statement"):
        answer = shared_client.get(f"/api/v1/sources/{path}", headers=shared_world.headers(Scope.READ))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_statement_says_what_a_source_lacks_and_the_mappings_what_it_had(
    client: TestClient[Any], world: World
) -> None:
    read = world.headers(Scope.READ)
    mapping = 'version = 1\ntitle = "T"\nlacks = ["no reasons"]\n'
    for text in (None, mapping, None):
        world.service.sources.register(SourceConfig(id="mes", type="rest", title="MES", mapping=text), world.root)
    versions = client.get("/api/v1/sources/mes/mappings", headers=read).json()
    assert [one["text"] for one in versions] == [mapping, None]
    assert (versions[0]["until"], versions[1]["until"]) == (versions[1]["entry"], None)
    world.service.sources.register(SourceConfig(id="push", type="push", title="Push"), world.root)
    told = client.get("/api/v1/sources/push/statement", headers=read).json()
    assert (told["source"], told["state"], told["lacks"]) == ("push", "connected", [])
    told = client.get("/api/v1/sources/mes/statement", headers=read).json()
    assert all(f"not made good here: {lack}" in told["open"] for lack in told["lacks"])
    assert len(told["adds"]) == 5
