"""What belongs to a batch, hangs together with it, and belongs to none, over HTTP."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.clock import parse_utc
from ledger.people.access import Scope
from tests.api.world import ORIGIN, SOURCE, World, run, submission

BEGIN, END = "2026-11-25T07:00:00.000000Z", "2026-11-25T08:00:00.000000Z"


def did(number: int, minute: int, action: str = "update", **links: str) -> dict[str, Any]:
    instant = f"2026-11-25T07:{minute:02}:00.000000Z"
    when = {"text": instant, "precision": "microsecond", "basis": "source-zone", "instant_us": parse_utc(instant)}
    named = [{"kind": kind.replace("_", "-"), "id": id_, "basis": "read"} for kind, id_ in links.items()]
    return submission(number, occurred_at=when, action=action, links=named)


def ask(client: TestClient[Any], world: World, what: str, status: int = 200, **query: Any) -> Any:
    """`from_` stands for the parameter `from`."""
    query = {name.rstrip("_"): value for name, value in query.items()}
    answer = client.get(f"/api/v1/logs/records/{what}", params=query, headers=world.headers(Scope.READ))
    assert answer.status_code == status, answer.text
    return answer.json()


def configure(client: TestClient[Any], world: World, path: str, body: dict[str, Any]) -> None:
    answer = client.post(f"/api/v1/{path}", json=body, headers=world.headers(Scope.CONFIGURE))
    assert answer.status_code == 201, answer.text


@pytest.mark.requirement("R71", "C13", "C08")
def test_a_batch_is_traced_by_page_outward_with_its_partners_and_what_is_in_none_is_listed(
    client: TestClient[Any], world: World
) -> None:
    steps = [{"step": "release", "source": SOURCE, "object_type": "release"}]
    configure(client, world, "parameters", {"name": "expected", "value": {"steps": steps}, "reason": "test"})
    asset = {"source": SOURCE, "tag": "R-1", "equipment": "R-1", "critical": True, "valid_from": "2026-01-01T00:00:00Z"}
    configure(client, world, "maps/assets", {"entries": [asset], "reason": "test"})
    rows = [
        did(1, 10, "start", batch="B", equipment="R-1"), did(2, 15, equipment="R-1"),
        did(3, 20, "stop", batch="B", equipment="R-1"), did(4, 30, equipment="R-1"),
        did(5, 40, batch="B", sample="S-1"), did(6, 41, sample="S-1", deviation="D-1", person="P-1"),
        did(7, 42, batch="OTHER", equipment="R-1"),
    ]  # fmt: skip
    sent = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run(rows), headers=world.headers(Scope.INGEST))
    assert sent.status_code == 201, sent.text
    index = [one["index"] for one in sent.json()["outcomes"]]
    first = ask(client, world, "trace", kind="batch", id="B", depth=3, limit=2)
    assert [(one["index"], one["basis"]) for one in first["members"]] == [(index[0], "read"), (index[1], "derived")]
    (had,) = first["occupations"]
    assert (had["equipment"], had["started_by"], had["stopped_by"], had["rule"]) == ("R-1", index[0], index[2], None)
    rest = ask(client, world, "trace", kind="batch", id="B", after=first["next_after"], size=first["size"])
    assert ([one["index"] for one in rest["members"]], rest["next_after"]) == ([index[2], index[4]], None)
    named = {(one["kind"], one["id"]): one["steps"] for one in first["graph"]["nodes"]}
    assert named == {("batch", "B"): 0, ("equipment", "R-1"): 1, ("sample", "S-1"): 1, ("deviation", "D-1"): 2}
    assert {(edge["one"][1], edge["other"][1]): edge["because"] for edge in first["graph"]["edges"]} == {
        ("B", "R-1"): index[0], ("B", "S-1"): index[4], ("D-1", "S-1"): index[5],
    }  # fmt: skip
    (partner,) = first["partners"]
    assert (partner["step"], partner["records"]) == ("release", [])
    assert partner["state"] in ("pending", "not-assessable")
    (orphan,) = ask(client, world, "orphans", from_=BEGIN, to=END)["orphans"]
    assert (orphan["index"], orphan["equipment"]) == (index[3], "R-1")
    assert (orphan["before"], orphan["after"]) == ({"batch": "B", "entry": index[2]}, None)
    (of_one,) = ask(client, world, f"entries/{index[1]}/batches")["batches"]
    assert (of_one["batch"], of_one["basis"], of_one["why"]["started_by"]) == ("B", "derived", index[0])
    assert ask(client, world, f"entries/{index[3]}/batches") == {
        "address": f"{ORIGIN}/records#{index[3]}", "size": rest["size"], "checkpoint": None, "batches": [],
        "whole": True,
    }  # fmt: skip
    assert ask(client, world, f"entries/{index[0]}/batches")["batches"] == [
        {"batch": "B", "basis": "read", "why": None}
    ]
    ask(client, world, "entries/0/batches", 404)
    ask(client, world, f"entries/{index[1]}/batches", 404, size=index[1])
    nothing = ask(client, world, "orphans", from_=BEGIN, to="2026-11-25T07:30:00Z")
    assert (nothing["orphans"], nothing["next_after"]) == ([], None)


def test_who_follows_a_person_says_why_and_what_is_no_instant_is_refused(client: TestClient[Any], world: World) -> None:
    ask(client, world, "trace", 403, kind="person", id="P-1")
    assert ask(client, world, "trace", kind="person", id="P-1", purpose="own-request")["members"] == []
    ask(client, world, "orphans", 400, from_="yesterday", to=END)
    ask(client, world, "trace", 400, kind="batch", id="B", size=10**9)
