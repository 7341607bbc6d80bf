"""Searches that are saved: whoever asks by one gets what its filters find; they are one's own unless shared."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.core.errors import Conflict
from ledger.people.access import Scope
from ledger.sources import saved_queries
from ledger.sources.narrowing import Where
from ledger.sources.saved_queries import NewQuery
from ledger.store.counting import LINKED
from ledger.store.ordering import Sort
from ledger.store.question import Query
from tests.api.test_look_ups import SEARCH
from tests.api.world import SOURCE, World, bearer, run, submission
from tests.support.application import app_of
from tests.support.postgres import chosen_database

SAVE = "/api/v1/logs/records/saved-queries"
KEPT = "/api/v1/saved-queries"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("saved") / "ledger", postgres=chosen_database(request))
    records = [
        submission(number, action=("update", "create")[number % 2], reason=f"no {number}") for number in range(9)
    ]
    with TestClient(app_of(made.service)) as client:
        answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run(records), headers=made.headers(Scope.INGEST))
        assert answer.status_code == 201, answer.text
    yield made
    made.close()


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(world.service, "Europe/Berlin")) as made:
        yield made


@pytest.fixture(scope="module")
def other(world: World) -> dict[str, str]:
    return bearer(world.token(Scope.READ).token)


def save(client: TestClient[Any], headers: dict[str, str], name: str, status: int = 201, **asked: Any) -> Any:
    shared = asked.pop("shared", False)
    answer = client.post(SAVE, params=asked, json={"name": name, "shared": shared}, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def names(client: TestClient[Any], headers: dict[str, str]) -> list[str]:
    return [one["name"] for one in client.get(KEPT, headers=headers).json()]


def found(client: TestClient[Any], headers: dict[str, str], **asked: Any) -> list[int]:
    answer = client.get(SEARCH, params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    return [hit["index"] for hit in answer.json()["hits"]]


@pytest.mark.requirement("R03")
def test_a_saved_search_asks_the_same_by_id_by_name_and_by_its_parameters(
    world: World, client: TestClient[Any]
) -> None:
    mine = world.headers(Scope.READ)
    asked: dict[str, Any] = {
        "action": "create",
        "source": SOURCE,
        "received_from": "2020-01-01T00:00:00Z",
        "link": "batch:B-1",
    }
    kept = save(client, mine, "created", **asked, sort="source", order="asc", columns="index,reason")
    assert (kept["sort"], kept["order"], kept["columns"]) == ("source", "asc", ["index", "reason"])
    without = {name: value for name, value in asked.items() if name != "link"}
    kept = save(client, mine, "created", **without)
    wanted = found(client, mine, **without)
    assert len(wanted) == 4
    assert found(client, mine, saved=kept["id"]) == found(client, mine, saved="created") == wanted
    assert found(client, mine, **{one["name"]: one["value"] for one in kept["parameters"]}) == wanted
    assert names(client, mine) == ["created"], "the same name replaces what was saved"
    lines = client.get(f"{SEARCH}/export?format=jsonl&saved=created", headers=world.headers(Scope.EXPORT))
    assert lines.status_code == 404, "it is its owner's alone"
    body = world.system_entries("saved-query")[-1]
    assert (body["event"], body["name"], body.get("shared", False)) == ("saved", "created", False)


@pytest.mark.requirement("R03")
def test_others_see_what_is_shared_and_its_owner_alone_removes_it(
    world: World, client: TestClient[Any], other: dict[str, str]
) -> None:
    mine = world.headers(Scope.READ)
    own = save(client, mine, "mine", action="update")
    shared = save(client, mine, "ours", action="update", shared=True)
    assert "ours" in names(client, other)
    assert "mine" not in names(client, other)
    assert found(client, other, saved="ours") == found(client, mine, saved="mine")
    assert client.get(SEARCH, params={"saved": own["id"]}, headers=other).status_code == 404
    refused = client.delete(f"{KEPT}/{shared['id']}", headers=other)
    assert (refused.status_code, "owner" in refused.text) == (409, True)
    assert client.delete(f"{KEPT}/{own['id']}", headers=other).status_code == 404
    for one in (own, shared):
        assert client.delete(f"{KEPT}/{one['id']}", headers=mine).status_code == 200
        assert client.delete(f"{KEPT}/{one['id']}", headers=mine).status_code == 404
    assert not {"ours", "mine"} & set(names(client, mine))
    again = save(client, mine, "ours", action="update")
    assert again["id"] == shared["id"]
    assert client.delete(f"{KEPT}/ours", headers=mine).status_code == 200


def test_what_cannot_be_saved_is_refused_and_says_why(
    world: World, client: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.headers(Scope.READ)
    for asked, says in (
        ({"actor": "op7"}, "person"),
        ({"person": "P-1"}, "person"),
        ({"columns": "nothing"}, "column"),
        ({"occurred_from": "2026-01-02T00:00:00Z", "occurred_to": "2026-01-01T00:00:00Z"}, "before"),
        ({"saved": "created", "action": "update"}, "saved"),
    ):
        refused = save(client, mine, "refused", status=400, **asked)
        assert says in refused["detail"], refused
    save(client, mine, "", status=400)
    save(client, mine, "x" * 101, status=400)
    monkeypatch.setattr(saved_queries, "MAX_OWN", len(names(client, mine)))
    assert "Remove" in save(client, mine, "one more", status=400)["advice"]
    assert "refused" not in names(client, mine)


def test_the_page_saves_what_it_shows_and_leads_back_to_it(world: World, client: TestClient[Any]) -> None:
    mine = {**world.headers(Scope.READ), "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    asked = {
        "log": "records", "action": "create", "reasoned": "yes", "time": "received", "from": "2020-01-01 01:00",
        "links": "batch:B-1; equipment:R-101", "sort": "source", "order": "asc", "columns": "index,reason",
    }  # fmt: skip
    shown = client.get("/search", params=asked, headers=mine).text
    form = shown.partition('action="/search/saved"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
    hidden = {name: html.unescape(value) for name, value in hidden.items()}
    done = client.post("/search/saved", data=hidden | {"name": "<b>to see"}, headers=mine, follow_redirects=False)
    assert done.status_code == 303, done.text
    back = client.get(done.headers["location"], headers=mine)
    assert back.status_code == 200
    assert "&lt;b&gt;to see" in back.text
    assert "<b>to see" not in back.text
    kept = next(one for one in client.get(KEPT, headers=mine).json() if one["name"] == "<b>to see")
    assert {one["name"]: one["value"] for one in kept["parameters"]} == {
        "action": "create", "reasoned": "true", "received_from": "2020-01-01T00:00:00.000000Z",
        "link": "equipment:R-101",
    }  # fmt: skip
    assert (kept["sort"], kept["order"], kept["columns"]) == ("source", "asc", ["index", "reason"])
    gone = client.post(f"/search/saved/{kept['id']}/removal", headers=mine, follow_redirects=False)
    assert gone.status_code == 303
    assert "to see" not in client.get("/search", headers=mine).text
    person = client.post("/search/saved", data={"log": "records", "actor": "op7", "name": "who"}, headers=mine)
    assert (person.status_code, "person" in person.text) == (400, True)


@pytest.mark.requirement("R03")
def test_what_the_newest_found_belong_to_is_counted_and_leads_there(world: World, client: TestClient[Any]) -> None:
    mine = world.headers(Scope.READ)
    answer = client.get(SEARCH, params={"with_facets": "true", "limit": 500}, headers=mine).json()
    by_hand: Counter[tuple[str, str]] = Counter()
    for hit in answer["hits"]:
        by_hand.update({(link["kind"], link["id"]) for link in hit["record"]["links"]})
    told = {(kind, one["value"]): one["count"] for kind, many in answer["linked"]["facets"].items() for one in many}
    assert answer["linked"]["of"] == len(answer["hits"])
    assert told == {link: count for link, count in by_hand.items() if link[0] in LINKED}
    assert told
    page = client.get("/search", headers=mine).text
    (kind, id_), count = max(told.items(), key=lambda one: one[1])
    address, shown = re.findall(
        rf'<a href="([^"]*links={kind}%3A[^"]*)"[^>]*><bdi>{re.escape(id_)}</bdi> <span class="num">(\d+)<', page
    )[0]
    assert int(shown) == count
    chosen = client.get(html.unescape(address), headers=mine).text
    assert f'<strong class="figure">{count}</strong>' in chosen
    assert re.search(rf'aria-current="true"><bdi>{re.escape(id_)}</bdi>', chosen)


def test_what_was_saved_again_meanwhile_is_not_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = world.service.quality.saved
    new = NewQuery(name="stale", log="records", query=Query(source=SOURCE), where=Where(), sort=Sort())
    seen = queries.save(new, "auditor", world.root)
    again = queries.save(new, "auditor", world.root)
    with monkeypatch.context() as stale:
        stale.setattr(queries, "get", lambda *_: seen)
        with pytest.raises(Conflict, match="meanwhile"):
            queries.remove("auditor", seen.id, all_shared=False, authority=world.root)
    assert queries.get("auditor", "stale") == again
