"""Every answer: problem details, security headers, limits for strangers, nothing that leaks."""

import errno
import re
import sqlite3
from typing import Any

import psycopg
import pytest
from litestar import get
from litestar.params import FromPath
from litestar.testing import TestClient
from sqlalchemy.exc import OperationalError

from ledger.api.app import create_app
from ledger.core import errors
from ledger.people.access import Door, Scope, allow
from ledger.people.security import FAILURES
from tests.api.world import World, bearer
from tests.support.application import app_of

HEADERS = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/health", 200), ("GET", "/api/v1/logs", 200), ("GET", "/api/v1/logs/none", 404),
     ("GET", "/nowhere", 404), ("POST", "/api/v1/health", 405), ("GET", "/api/docs", 200),
     ("GET", "/api/docs/swagger-ui.css", 200), ("GET", "/api/v1/schema/openapi.json", 200)],
)  # fmt: skip
def test_every_answer_carries_the_security_headers(
    shared_client: TestClient[Any], shared_world: World, method: str, path: str, status: int
) -> None:
    answer = shared_client.request(method, path, headers=shared_world.headers(Scope.READ))
    assert answer.status_code == status
    for name, part in HEADERS.items():
        assert part in answer.headers[name], name
    assert "cache-control" in answer.headers


def test_what_is_private_is_kept_in_no_cache(shared_client: TestClient[Any], shared_world: World) -> None:
    for path in ("/api/v1/logs", "/api/v1/logs/records/entries/0", "/api/v1/logs/records/search"):
        assert shared_client.get(path, headers=shared_world.headers(Scope.READ)).headers["cache-control"] == "no-store"


def test_each_error_of_the_tree_is_answered_with_its_own_code_and_advice(world: World) -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LedgerError)]
    assert len(kinds) > 20

    @get("/raise/{number:int}", opt=allow(Door.OPEN))
    async def raising(number: FromPath[int]) -> str:
        raise kinds[number]("the named thing")

    seen = {}
    with TestClient(create_app(world.service, web_handlers=[raising])) as client:
        for number, kind in enumerate(kinds):
            answer = client.get(f"/raise/{number}")
            problem = answer.json()
            assert answer.headers["content-type"] == "application/problem+json"
            assert problem["type"] == f"urn:trailseal:problem:{kind.code}"
            assert (problem["code"], problem["status"]) == (kind.code, answer.status_code)
            assert (problem["detail"], problem["advice"]) == (kind("the named thing").message, kind.default_advice)
            seen[kind] = answer.status_code
    assert seen[errors.NotCanonical] == seen[errors.SchemaViolation] == 400
    assert (seen[errors.NotAuthenticated], seen[errors.AccessDenied], seen[errors.SelfApproval]) == (401, 403, 403)
    assert (seen[errors.NotFound], seen[errors.Conflict], seen[errors.RateLimited]) == (404, 409, 429)
    assert (seen[errors.IntegrityError], seen[errors.NotLeader], seen[errors.RetriableSource]) == (500, 503, 502)


def test_a_defect_tells_nothing_of_itself(world: World) -> None:
    @get("/broken", opt=allow(Door.OPEN))
    async def broken() -> str:
        secret = "hunter2"
        raise RuntimeError(f"cannot open /etc/{secret}")

    @get("/down", opt=allow(Door.OPEN))
    async def down() -> str:
        raise OperationalError("SELECT hunter2", {}, Exception("connection to db.internal refused"))

    with TestClient(create_app(world.service, web_handlers=[broken, down]), raise_server_exceptions=False) as client:
        for path, status, code in (("/broken", 500, "internal"), ("/down", 503, "unavailable")):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert not re.search(r"hunter2|/etc|Traceback|internal refused|\.py|SELECT", answer.text)
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_full_disk_is_told_with_what_to_do_and_without_a_path(world: World) -> None:
    """Of SQLite, of PostgreSQL and of the system: to who sends records it is one and the same trouble."""

    @get("/full/{which:int}", opt=allow(Door.OPEN))
    async def full(which: FromPath[int]) -> str:
        if which == 0:
            raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/plant/signed/records.signed")
        said = sqlite3.OperationalError("database or disk is full") if which == 1 else psycopg.errors.DiskFull("full")
        if isinstance(said, sqlite3.Error):
            said.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("INSERT INTO body", {"body": "hunter2"}, said, hide_parameters=True)

    with TestClient(create_app(world.service, web_handlers=[full]), raise_server_exceptions=False) as client:
        for which in range(3):
            answer = client.get(f"/full/{which}")
            assert (answer.status_code, answer.json()["code"]) == (503, "storage_full")
            assert "Make room" in answer.json()["advice"]
            assert int(answer.headers["retry-after"]) > 0, "who sends records tries again"
            assert not re.search(r"hunter2|/var|INSERT", answer.text)


def test_an_answer_to_a_stranger_does_not_tell_whether_a_token_exists(client: TestClient[Any], world: World) -> None:
    good = world.tokens[Scope.READ].token
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    unknown = "ts_" + "1" * 16 + "_" + "2" * 64
    answers = {client.get("/api/v1/logs", headers=bearer(text)).text for text in (wrong, unknown)}
    assert len(answers) == 1


def test_a_peer_that_keeps_failing_is_limited_and_known_tokens_behind_it_are_not(
    client: TestClient[Any], world: World
) -> None:
    assert client.get("/api/v1/logs", headers=world.headers(Scope.READ)).status_code == 200
    statuses = [client.get("/api/v1/logs", headers=bearer("x")).status_code for _ in range(FAILURES + 5)]
    assert statuses == [401] * FAILURES + [429] * 5
    limited = client.get("/api/v1/logs")
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert int(limited.headers["retry-after"]) > 0
    assert client.post("/api/v1/session", json={"code": "x"}).status_code == 429
    # Also when another process has moved the system log since, and the token has to be looked up again.
    world.people.directory.forget()
    assert client.get("/api/v1/logs", headers=world.headers(Scope.READ)).status_code == 200
    world.clock.pass_seconds(61)
    assert client.get("/api/v1/logs", headers=bearer("x")).status_code == 401


def test_strangers_cannot_fill_the_ledger(client: TestClient[Any], world: World) -> None:
    with world.service.store.reader(0) as reader:
        before = reader.head().size
    for _ in range(100):
        client.get("/api/v1/logs")
        world.people.security.enter()
    world.clock.pass_seconds(61)
    world.people.security.enter()
    bodies = world.system_entries("security-event")
    with world.service.store.reader(0) as reader:
        assert reader.head().size == before + 2
    assert [body["counts"] for body in bodies] == [
        [{"sort": "unauthenticated", "count": 1}],
        [{"sort": "unauthenticated", "count": 99}],
    ]
    assert all(body["peers"] == 1 for body in bodies)


def test_the_application_enters_refusals_by_itself_and_the_rest_when_it_stops(world: World) -> None:
    with TestClient(app_of(world.service)) as client:
        client.get("/api/v1/logs")
    assert len(world.system_entries("security-event")) == 1


def test_no_answer_or_log_line_holds_a_token(
    client: TestClient[Any], world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    token = world.tokens[Scope.READ].token
    secret = token.rpartition("_")[2]
    for path in ("/api/v1/grants", "/api/v1/logs/records/entries/999", "/nowhere"):
        assert secret not in client.get(path, headers=bearer(token)).text
    assert secret not in "".join(capsys.readouterr())
    with world.service.store.reader(0) as reader:
        for stored in reader.entries(0, reader.head().size):
            assert secret.encode() not in (stored.body or b"")
    assert secret.encode() not in (world.folder / "ledger.sqlite").read_bytes()
    assert secret.encode() not in (world.folder / "ledger.sqlite-wal").read_bytes()
