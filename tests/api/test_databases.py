"""What people and the interface write and ask, on PostgreSQL with the production roles, as on SQLite."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import text

from ledger.core.errors import NotAuthenticated
from ledger.people.access import Scope
from ledger.people.receipts import forget_old
from ledger.people.sessions import COOKIE
from tests.api.world import SOURCE, World, bearer, run, submission
from tests.support.application import app_of
from tests.support.postgres import PgDatabase

PATH = f"/api/v1/sources/{SOURCE}/runs"


@pytest.fixture
def world(tmp_path: Path, migrated_postgres: PgDatabase) -> Iterator[World]:
    made = World(tmp_path / "ledger", postgres=migrated_postgres)
    yield made
    made.close()


def test_the_whole_way_of_a_caller_works_alike_on_postgresql(world: World) -> None:
    with TestClient(app_of(world.service)) as client:
        _sessions(client, world)
        _runs(client, world)
        _reading(client, world)
        _rights(client, world)
    assert [body["counts"] for body in world.system_entries("security-event")]
    with world.service.store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM session_touch")) == 1
    world.clock.pass_seconds(8 * 86_400)
    forget_old(world.service.store)
    with world.service.store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM request_receipt")) == 0
    world.service.publisher.publish_all()
    reports = [world.service.verifier.run(log) for log in world.service.logs.values()]
    assert all(report.holds for report in reports), [report.summary for report in reports]


def _sessions(client: TestClient[Any], world: World) -> None:
    link = world.people.sessions.issue_link(world.root)
    assert client.post("/api/v1/session", json={"code": link}).status_code == 204
    assert client.post("/api/v1/session", json={"code": link}).status_code == 401
    world.people.sessions.save_touches()
    world.people.sessions.find(client.cookies[COOKIE])
    world.people.sessions.save_touches()
    assert client.get("/api/v1/logs").status_code == 200
    client.cookies.clear()


def _runs(client: TestClient[Any], world: World) -> None:
    headers = {**world.headers(Scope.INGEST), "Idempotency-Key": "run-1"}
    body = json.dumps(run([submission(1), 17, submission(2)], (None, "5")))
    first, again = (client.post(PATH, content=body, headers=headers) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    other = client.post(PATH, content=json.dumps(run([])), headers=headers)
    assert other.status_code == 409
    state = client.get(f"/api/v1/sources/{SOURCE}/state", headers=world.headers(Scope.INGEST)).json()
    assert state["cursor"] == "5"


def _reading(client: TestClient[Any], world: World) -> None:
    headers = world.headers(Scope.READ)
    world.service.publisher.publish_all()
    found = client.get("/api/v1/logs/records/search?text=setpoint&with_facets=true", headers=headers).json()
    assert found["count"] == len(found["hits"]) == 2
    index = found["hits"][0]["index"]
    taken = client.get(f"/api/v1/logs/records/entries/{index}/original", headers=world.headers(Scope.EXPORT))
    assert taken.content == b'{"a":1}'
    assert client.get(f"/api/v1/logs/records/entries/{index}/proof", headers=headers).status_code == 200
    for hostile in ("%00", "%ff", "x" * 600):
        answer = client.get(f"/api/v1/logs/records/search?purpose=review&actor={hostile}", headers=headers)
        assert answer.status_code < 500
    size = int(client.get("/logs/records/checkpoint", headers=world.headers(Scope.TILES)).text.splitlines()[1])
    tile = client.get(f"/logs/records/tile/entries/000.p/{size}", headers=world.headers(Scope.TILES))
    assert tile.status_code == 200


def _rights(client: TestClient[Any], world: World) -> None:
    admin = world.headers(Scope.ADMIN)
    made = client.post("/api/v1/accounts", json={"account": "lab", "title": "Lab", "reason": "new"}, headers=admin)
    assert made.status_code == 201
    granted = client.post("/api/v1/grants", json={"account": "lab", "scopes": ["read"], "reason": "new"}, headers=admin)
    token = granted.json()
    assert client.get("/api/v1/logs", headers=bearer(token["token"])).status_code == 200
    revoked = client.post(f"/api/v1/grants/{token['grant']}/revocation", json={"reason": "over"}, headers=admin)
    assert revoked.status_code == 201
    assert client.get("/api/v1/logs", headers=bearer(token["token"])).status_code == 401
    with pytest.raises(NotAuthenticated):
        world.people.directory.find(token["token"])
    register = client.get("/api/v1/grants", headers=admin).json()
    assert register[-1]["account"] == "lab"
    assert register[-1]["to_index"] == revoked.json()["index"]
