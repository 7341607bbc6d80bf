"""Accounts and grants over HTTP, and the register of rights (R05)."""

from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.people.access import Scope
from tests.api.world import SOURCE, World, bearer


def test_an_account_is_made_granted_used_and_ended_and_the_register_tells_it_all(
    client: TestClient[Any], world: World
) -> None:
    admin = world.headers(Scope.ADMIN)
    made = client.post("/api/v1/accounts", json={"account": "lab", "title": "Lab", "reason": "new"}, headers=admin)
    assert made.status_code == 201
    grant = {"account": "lab", "scopes": ["ingest"], "sources": [SOURCE], "reason": "collector of the ERP"}
    token = client.post("/api/v1/grants", json=grant, headers=admin).json()
    assert client.get(f"/api/v1/sources/{SOURCE}/state", headers=bearer(token["token"])).status_code == 200
    end = client.post("/api/v1/accounts/lab/deactivation", json={"reason": "closed"}, headers=admin)
    assert end.status_code == 201
    assert client.get(f"/api/v1/sources/{SOURCE}/state", headers=bearer(token["token"])).status_code == 401
    line = client.get("/api/v1/grants", headers=admin).json()[-1]
    assert (line["account"], line["scopes"], line["sources"]) == ("lab", ["ingest"], [SOURCE])
    assert line["from_index"] == token["index"]
    accounts = {one["account"]: one["state"] for one in client.get("/api/v1/accounts", headers=admin).json()}
    assert accounts["lab"] == "deactivated"
    body = world.system_entries("grant")[-1]
    assert body["authority"]["actor"].startswith("admin-")
    assert body["authority"]["authenticated"] is True


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("accounts", {"account": "Bad Id", "title": "x", "reason": "x"}, 400, "schema_violation"),
        ("accounts", {"account": "a", "title": "", "reason": "x"}, 400, "schema_violation"),
        ("accounts", {"account": "a", "title": "x"}, 400, "schema_violation"),
        ("accounts", {"account": "a", "title": "x\0", "reason": "x"}, 400, "schema_violation"),
        ("accounts", {"account": "a", "title": "x", "reason": "x", "admin": True}, 400, "schema_violation"),
        ("grants", {"account": "ghost", "scopes": ["read"], "reason": "x"}, 404, "not_found"),
        ("grants", {"account": "ghost", "scopes": ["root"], "reason": "x"}, 400, "schema_violation"),
        ("grants", {"account": "ghost", "scopes": ["ingest"], "reason": "x"}, 400, "schema_violation"),
        ("grants", {"account": "ghost", "scopes": ["read"], "reason": "x", "expires_at": "soon"}, 400, "not_canonical"),
        ("accounts/ghost/deactivation", {"reason": "x"}, 404, "not_found"),
        ("grants/0000000000000000/revocation", {"reason": "x"}, 404, "not_found"),
    ],
)
def test_a_bad_change_of_rights_is_refused_with_its_reason(
    shared_client: TestClient[Any], shared_world: World, path: str, body: dict[str, Any], status: int, code: str
) -> None:
    before = len(shared_world.people.register()), len(shared_world.people.accounts())
    answer = shared_client.post(f"/api/v1/{path}", json=body, headers=shared_world.headers(Scope.ADMIN))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert before == (len(shared_world.people.register()), len(shared_world.people.accounts()))


def test_an_administrator_cannot_grant_to_themselves(client: TestClient[Any], world: World) -> None:
    me = next(one.account for one in world.people.accounts() if one.account.startswith("admin-"))
    body = {"account": me, "scopes": ["read"], "reason": "curious"}
    answer = client.post("/api/v1/grants", json=body, headers=world.headers(Scope.ADMIN))
    assert (answer.status_code, answer.json()["code"]) == (403, "access_denied")


def test_an_id_is_issued_once(client: TestClient[Any], world: World) -> None:
    body = {"account": "lab", "title": "Lab", "reason": "new"}
    statuses = [client.post("/api/v1/accounts", json=body, headers=world.headers(Scope.ADMIN)) for _ in range(2)]
    assert [one.status_code for one in statuses] == [201, 409]
