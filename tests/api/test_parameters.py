"""Parameters over HTTP: set, corrected, listed by page as of a size; a wrong member is named."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.world import World

Y1, Y2 = "2024-01-01T00:00:00.000000Z", "2025-01-01T00:00:00.000000Z"


def send(client: TestClient[Any], world: World, **members: Any) -> Any:
    body = {"name": "limits", "value": {"late_s": 60}, "reason": "CR-0042"} | members
    return client.post("/api/v1/parameters", json=body, headers=world.headers(Scope.CONFIGURE))


def listed(client: TestClient[Any], world: World, **query: Any) -> Any:
    answer = client.get("/api/v1/parameters", params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.requirement("R14", "R37")
def test_a_parameter_is_set_corrected_removed_and_listed_as_of_any_size(
    any_client: TestClient[Any], any_world: World
) -> None:
    client, world = any_client, any_world
    taken = send(client, world, source="lims", type="result", applies_from="2024-01-01T01:00:00+01:00")
    assert taken.status_code == 201, taken.text
    first = taken.json()["index"]
    again: dict[str, Any] = {"source": "lims", "type": "result", "applies_from": Y1}
    second = send(client, world, **again, value={"late_s": 600, "early_s": 5}).json()["index"]
    third = send(client, world, **again, value=None).json()["index"]
    words = send(client, world, name="vague-words", value={"words": ["ok", "wie besprochen"]}).json()["index"]
    values = [listed(client, world, size=size)["parameters"] for size in (first, second, third, third + 1)]
    assert [len(one) for one in values] == [0, 1, 1, 1]
    assert [one["value"] and (one["value"]["late_s"], one["value"]["early_s"]) for (one,) in values[1:]] == [
        (60, 2), (600, 5), None,
    ]  # fmt: skip
    assert values[1][0] | {"value": None} == {
        "name": "limits", "source": "lims", "type": "result", "applies_from": Y1, "value": None, "entry": first,
    }  # fmt: skip
    assert [one["entry"] for one in listed(client, world, name="vague-words")["parameters"]] == [words]
    assert [one["entry"] for one in listed(client, world, source="lims")["parameters"]] == [third]
    page = listed(client, world, limit=1)
    assert ([one["entry"] for one in page["parameters"]], page["next_after"]) == ([third], third)
    rest = listed(client, world, limit=1, after=page["next_after"], size=page["size"])
    assert ([one["entry"] for one in rest["parameters"]], rest["next_after"]) == ([words], None)
    shown = client.get(f"/api/v1/logs/records/entries/{words}", headers=world.headers(Scope.READ)).json()
    assert "vague-words" in str(shown)
    assert all(world.service.verifier.run(log, full=True).holds for log in world.service.logs.values())


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"value": {}}, "late_s"),
        ({"value": {"late_s": "60"}}, "$.late_s"),
        ({"value": {"late_s": 60.5}}, "$.late_s"),
        ({"value": {"late_s": -1}}, "$.late_s"),
        ({"name": "d26", "value": {"failures": 1}}, "$.failures"),
        ({"value": {"late_s": 60, "later_s": 1}}, "later_s"),
        ({"name": "range", "value": {"attribute": "pH", "kind": "decimal", "low": "four"}}, "$.low"),
        ({"name": "colour"}, "name"),
        ({"value": {"late_s": 60}, "applies_from": "2026-01-01T00:00:00"}, "no instant"),
        ({"value": {"late_s": 60}, "source": ""}, "source"),
        ({"value": {"late_s": 60}, "source": "a\0"}, "U+0000"),
        ({"name": "vague-words", "value": {"words": ["a\0"]}}, "U+0000"),
        ({"value": [1]}, "value"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named_and_not_stored(
    shared_client: TestClient[Any], shared_world: World, members: dict[str, Any], said: str
) -> None:
    answer = send(shared_client, shared_world, **members)
    assert (answer.status_code, answer.json()["code"]) == (400, "schema_violation"), answer.text
    assert said in answer.text
    assert listed(shared_client, shared_world)["parameters"] == []


@pytest.mark.parametrize("levels", [*range(900, 1100, 25), 100_000])
def test_a_value_of_many_levels_is_refused(shared_client: TestClient[Any], shared_world: World, levels: int) -> None:
    headers = shared_world.headers(Scope.CONFIGURE) | {"content-type": "application/json"}
    deep = '{"a":' * levels + "1" + "}" * levels
    body = f'{{"name":"limits","reason":"x","value":{deep}}}'
    answer = shared_client.post("/api/v1/parameters", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "schema_violation"), answer.text


def test_a_stranger_s_body_of_many_levels_is_refused(shared_client: TestClient[Any]) -> None:
    answer = shared_client.post("/api/v1/sign-in", content="[" * 100_000, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "schema_violation"), answer.text


def test_no_log_without_records_has_parameters(shared_client: TestClient[Any], shared_world: World) -> None:
    headers = shared_world.headers(Scope.READ)
    assert shared_client.get("/api/v1/parameters", params={"log": "system"}, headers=headers).status_code == 404
