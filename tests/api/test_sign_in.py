"""Signing in over HTTP: a whole story on both databases, and attacks on it."""

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from ledger.api.lanes import ARGON_WAITING, Lanes, argon_threads
from ledger.core.errors import Overloaded
from ledger.integrity.authority import authority_fault
from ledger.integrity.fault import Fault, first
from ledger.integrity.run import LogRun
from ledger.integrity.tasks import Here
from ledger.people.access import Scope
from ledger.people.passwords import Effort, Passwords
from ledger.people.roles import Role
from ledger.people.sessions import COOKIE
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import World
from tests.support.application import app_of
from tests.support.people import OWN_PAGE, PASSWORD, Device, Person, person

pytestmark = pytest.mark.sampled


def authority(world: World) -> Fault | None:
    with world.service.store.reader(SYSTEM_LOG) as reader:
        size = reader.head().size
        return authority_fault(reader.connection, SYSTEM_LOG, 0, size, world.service.store.kinds, lambda _: None)


def level2(world: World) -> Fault | None:
    """The first fault that level 2 names in the system log."""
    store = world.service.store
    runner = Here(store.reading, store.kinds, store.projections)
    run = LogRun(store.reading, runner, store.kinds, store.projections, world.service.system, lambda _: {})
    found = run.verify((2,), None, None, False, lambda level, done, total: None, lambda stand: None)
    return first(one.fault for one in found.levels)


@pytest.mark.requirement("R25", "R29", "R43", "R45", "R46")
def test_a_persons_whole_way_is_entries_that_verify(any_client: TestClient[Any], any_world: World) -> None:
    client, world = any_client, any_world
    admin = world.headers(Scope.ADMIN)
    officers = [person(world, name, [Role.SECURITY_OFFICER]) for name in ("officer1", "officer2")]
    one = person(world, "reviewer1", [Role.REVIEWER])
    one.sign_in(client)
    assert client.get("/api/v1/logs").status_code == 200
    own = {found["sort"]: found["component"] for found in client.get("/api/v1/components").json()}
    assert set(own) == {"password", "totp"}
    offer = client.post("/api/v1/second-factors/offer", json={"password": PASSWORD}, headers=OWN_PAGE).json()
    spare = Device(offer["secret"], world.clock)
    added = {"state": offer["state"], "code": spare.code(), "title": "spare"}
    assert client.post("/api/v1/second-factors", json=added, headers=OWN_PAGE).status_code == 201
    change = {"old": PASSWORD, "new": "seven geese above a frozen lake"}
    assert client.post("/api/v1/password", json=change, headers=OWN_PAGE).status_code == 201
    one.password = change["new"]
    lost = client.post(f"/api/v1/second-factors/{own['totp']}/revocation", json={"reason": "lost"}, headers=OWN_PAGE)
    assert lost.status_code == 201
    assert client.get("/api/v1/logs").status_code == 401
    one.device = spare
    for _ in range(5):
        wrong = {"account": "reviewer1", "password": "wrong words"}
        assert client.post("/api/v1/sign-in", json=wrong).status_code == 401
    right = {"account": "reviewer1", "password": one.password}
    assert client.post("/api/v1/sign-in", json=right).status_code == 401
    unlocked = client.post("/api/v1/accounts/reviewer1/unlocking", json={"reason": "called back"}, headers=admin)
    assert unlocked.status_code == 201
    one.sign_in(client)
    assert len(client.get("/api/v1/sessions").json()) == 1
    client.cookies.clear()
    wanted = {"reason": "lost all", "password": True}
    asked = client.post("/api/v1/accounts/reviewer1/resets", json=wanted, headers=officers[0].headers())
    assert asked.status_code == 201
    confirm = f"/api/v1/resets/{asked.json()['reset']}/confirmation"
    same = client.post(confirm, json={"reason": "me too"}, headers=officers[0].headers())
    assert (same.status_code, same.json()["code"]) == (403, "self_approval")
    code = client.post(confirm, json={"reason": "seen in person"}, headers=officers[1].headers()).json()["code"]
    begun = client.post("/api/v1/enrolment", json={"code": code}).json()
    device = Device(begun["secret"], world.clock)
    given = {"state": begun["state"], "password": PASSWORD, "code": device.code()}
    assert client.post("/api/v1/enrolment/components", json=given).json() == {"account": "reviewer1"}
    again = Person(world.service, "reviewer1", device, PASSWORD)
    again.sign_in(client)
    assert client.post("/api/v1/sessions/end", headers=OWN_PAGE).json() == {"ended": 0}
    assert authority(world) is None
    assert level2(world) is None


@pytest.mark.parametrize("table", ["browser_session", "credential"])
def test_a_session_or_component_that_was_put_into_a_table_is_found_and_opens_nothing(
    client: TestClient[Any], world: World, table: str
) -> None:
    one = person(world, "reviewer1", [Role.REVIEWER])
    one.begin()
    head = world.service.store
    with head.writing() as connection:
        columns = "'started', 'reviewer1', NULL" if table == "browser_session" else "'reviewer1', 'password', NULL"
        names = "event, account, expires_us" if table == "browser_session" else "account, sort, expires_us"
        connection.exec_driver_sql(
            f"INSERT INTO {table} (log, key, from_index, {names}) VALUES (0, 'put-in', 3, {columns})"
        )
    forged = "ss_" + "ab" * 8 + "_" + "cd" * 32
    assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={forged}"}).status_code == 401
    found = level2(world)
    assert found is not None
    assert found.table == table


def test_no_session_that_a_browser_brings_lives_on_after_signing_in(client: TestClient[Any], world: World) -> None:
    attacker, victim = person(world, "attacker1", [Role.REVIEWER]), person(world, "victim1", [Role.REVIEWER])
    planted = attacker.sign_in(client)[COOKIE]
    victim.sign_in(client)
    mine = client.cookies[COOKIE]
    assert mine != planted
    assert world.people.sessions.find(mine).account == "victim1"
    client.cookies.clear()
    assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={planted}"}).status_code == 401
    chosen = "ss_" + "a" * 16 + "_" + "b" * 64
    brought = {"Cookie": f"{COOKIE}={chosen}"}
    first = client.post("/api/v1/sign-in", json={"account": "victim1", "password": PASSWORD}, headers=brought)
    second = {"state": first.json()["state"], "code": victim.device.code()}
    done = client.post("/api/v1/sign-in/second", json=second, headers=brought)
    assert done.status_code == 200
    assert chosen not in done.headers["set-cookie"]
    client.cookies.clear()
    assert client.get("/api/v1/logs", headers=brought).status_code == 401


@pytest.mark.requirement("R46")
def test_log_ins_log_outs_and_failed_ones_are_searched_and_sorted(
    any_client: TestClient[Any], any_world: World
) -> None:
    admin = any_world.headers(Scope.ADMIN)
    one, other = (person(any_world, name, [Role.REVIEWER]) for name in ("reviewer1", "reviewer2"))
    one.sign_in(any_client)
    assert any_client.delete("/api/v1/session", headers=OWN_PAGE).status_code == 204
    any_client.cookies.clear()
    wrong = {"account": "reviewer2", "password": "wrong words"}
    assert any_client.post("/api/v1/sign-in", json=wrong).status_code == 401
    other.begin()

    def told(**query: Any) -> list[tuple[str, str]]:
        answer = any_client.get("/api/v1/sign-ins", params=query, headers=admin)
        assert answer.status_code == 200, answer.text
        return [(found["event"], found["account"]) for found in answer.json()]

    order = [("login", "reviewer1"), ("logout", "reviewer1"), ("failed", "reviewer2"), ("login", "reviewer2")]
    assert told(newest_first=False) == order
    assert told() == order[::-1]
    assert told(account="reviewer1", newest_first=False) == order[:2]
    assert told(event="login") == [("login", "reviewer2"), ("login", "reviewer1")]
    first = any_client.get("/api/v1/sign-ins", params={"newest_first": False, "limit": 2}, headers=admin).json()
    assert told(newest_first=False, after=first[-1]["entry"]) == order[2:]
    assert told(before=first[-1]["entry"]) == order[:1]
    assert first[0]["logged_at"] < first[1]["logged_at"]


def test_a_half_finished_sign_in_is_no_session(client: TestClient[Any], world: World) -> None:
    person(world, "reviewer1", [Role.REVIEWER])
    first = client.post("/api/v1/sign-in", json={"account": "reviewer1", "password": PASSWORD})
    assert "set-cookie" not in first.headers
    state = first.json()["state"]
    for shown in (state, f"ss_{'0' * 16}_{'0' * 64}"):
        assert client.get("/api/v1/logs", headers={"Cookie": f"{COOKIE}={shown}"}).status_code == 401
        assert client.get("/api/v1/logs", headers={"Authorization": f"Bearer {shown}"}).status_code == 401


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_site_signs_nobody_in_and_changes_nothing(
    client: TestClient[Any], world: World, headers: dict[str, str]
) -> None:
    one = person(world, "reviewer1", [Role.REVIEWER])
    body = {"account": "reviewer1", "password": PASSWORD}
    assert client.post("/api/v1/sign-in", json=body, headers=headers).status_code == 403
    one.sign_in(client)
    for path, sent in (
        ("password", {"old": PASSWORD, "new": "seven geese above a frozen lake"}),
        ("second-factors/offer", {"password": PASSWORD}),
        ("sessions/end", None),
    ):
        assert client.post(f"/api/v1/{path}", json=sent, headers=headers).status_code == 403
        assert client.post(f"/api/v1/{path}", json=sent).status_code == 403, "the cookie alone changes nothing"


def test_a_peer_that_guesses_is_no_longer_listened_to(client: TestClient[Any], world: World) -> None:
    statuses = [
        client.post("/api/v1/sign-in", json={"account": f"nobody{at}", "password": "x"}).status_code for at in range(40)
    ]
    assert statuses[:30] == [401] * 30
    assert set(statuses[30:]) == {429}
    world.people.security.enter(final=True)
    assert world.system_entries("sign-in") == []


@pytest.fixture
def real(tmp_path: Path) -> Iterator[World]:
    """A ledger whose passwords cost something, and whose refusals are slow enough to tell apart."""
    made = World(tmp_path / "ledger", effort=Effort(rounds=1, memory_kib=8 * 1024, refusal_s=0.25))
    yield made
    made.close()


def test_the_time_of_a_refusal_does_not_tell_who_has_an_account(real: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.people.security.FAILURES", 1_000_000)
    names = [f"reviewer{at}" for at in range(6)]
    for name in names:
        person(real, name)
    times: dict[bool, list[float]] = {True: [], False: []}
    with TestClient(app_of(real.service)) as client:
        for at in range(24):
            known = bool(at % 2)
            account = names[at // 2 % 6] if known else f"nobody{at}"
            started = time.perf_counter()
            answer = client.post("/api/v1/sign-in", json={"account": account, "password": "wrong words"})
            times[known].append(time.perf_counter() - started)
            assert answer.status_code == 401
    medians = {known: statistics.median(found) for known, found in times.items()}
    spread = max(max(found) - min(found) for found in times.values())
    assert min(map(min, times.values())) >= 0.25
    assert abs(medians[True] - medians[False]) < max(0.02, spread / 2), (medians, spread)


def test_argon2_never_holds_the_event_loop() -> None:
    heavy, lanes = Passwords(), Lanes(1)

    async def beat() -> list[float]:
        gaps = []
        work = [asyncio.create_task(lanes.argon(heavy.matches_nothing, "wrong words")) for _ in range(4)]
        while not all(one.done() for one in work):
            started = time.perf_counter()
            await asyncio.sleep(0.005)
            gaps.append(time.perf_counter() - started)
        return gaps

    started = time.perf_counter()
    gaps = asyncio.run(beat())
    one = (time.perf_counter() - started) / 4
    lanes.close()
    assert statistics.median(gaps) < one / 4, "the loop went on while passwords were looked at"
    assert len(gaps) > 8


def test_more_at_once_than_the_service_takes_on_are_refused_at_once() -> None:
    lanes, go = Lanes(1), threading.Event()

    async def flood() -> list[Any]:
        work = [asyncio.create_task(lanes.argon(go.wait, 10)) for _ in range(ARGON_WAITING + argon_threads() + 5)]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(*work, return_exceptions=True)

    found = asyncio.run(flood())
    lanes.close()
    assert [isinstance(one, Overloaded) for one in found].count(True) == 5


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("sign-in", {"account": "x", "password": ""}),
        ("sign-in", {"account": "x" * 101, "password": "x"}),
        ("sign-in", {"account": "x", "password": "x", "more": 1}),
        ("sign-in/second", {"state": ""}),
        ("sign-in/passkey", {"state": "x", "passkey": []}),
        ("enrolment", {"code": "x" * 201}),
        ("enrolment/components", {"password": "x"}),
    ],
)
def test_a_malformed_step_is_a_bad_request(shared_client: TestClient[Any], path: str, body: dict[str, Any]) -> None:
    answer = shared_client.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "schema_violation")


def test_a_token_has_no_components_and_no_sessions(shared_client: TestClient[Any], shared_world: World) -> None:
    for path in ("components", "sessions"):
        answer = shared_client.get(f"/api/v1/{path}", headers=shared_world.headers(Scope.READ))
        assert answer.status_code == 404
