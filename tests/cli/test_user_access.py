"""`trailseal user enrol|unlock|reset|sessions` on a ledger of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.people.access import Scope
from ledger.people.person_kinds import Purpose
from ledger.people.roles import Role
from tests.api.world import World
from tests.cli.terminal import trailseal
from tests.support.people import administrator, enrolled, make_account, person


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "ledger")
    yield made
    made.close()


def test_a_code_is_given_at_the_first_start_and_by_an_administrator_from_then_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for account in ("officer1", "quality1"):
        make_account(world.service, account, administrator(world))
        given = trailseal("user", "enrol", account, "--ledger", world.folder, "--json")
        assert given.code == 0, given.err
        begun = world.service.entrance.enrolment.begin(given.json()["code"])
        assert begun.account == account
        enrolled(world, world.service.entrance.enrolment.issue(account, "again", administrator(world)))
    make_account(world.service, "reviewer1", administrator(world))
    refused = trailseal("user", "enrol", "reviewer1", "--ledger", world.folder)
    assert (refused.code, refused.out) == (1, "")
    assert "first start is over" in refused.err
    monkeypatch.setenv("TRAILSEAL_CREDENTIAL", world.tokens[Scope.ADMIN].token)
    told = trailseal("user", "enrol", "reviewer1", "--ledger", world.folder)
    assert told.code == 0
    assert "se_" in told.out
    monkeypatch.setenv("TRAILSEAL_CREDENTIAL", world.tokens[Scope.READ].token)
    assert trailseal("user", "enrol", "reviewer1", "--ledger", world.folder).code == 1
    monkeypatch.setenv("TRAILSEAL_CREDENTIAL", "ts_nothing")
    assert trailseal("user", "enrol", "reviewer1", "--ledger", world.folder).code == 1


def test_an_account_is_unlocked_its_sessions_listed_and_ended(world: World) -> None:
    one = person(world, "reviewer1", [Role.REVIEWER])
    session = one.begin()
    listed = trailseal("user", "sessions", "reviewer1", "--ledger", world.folder, "--json").json()
    assert [found["session"] for found in listed] == [session.split("_")[1]]
    assert "password, totp" in trailseal("user", "sessions", "reviewer1", "--ledger", world.folder).out
    ended = trailseal("user", "sessions", "reviewer1", "--end", "--ledger", world.folder)
    assert "1 sessions" in ended.out
    for _ in range(5):
        world.service.entrance.attempts.refused("reviewer1", Purpose.SIGN_IN, "password", None)
    unlock = ("user", "unlock", "reviewer1", "--ledger", world.folder)
    assert trailseal(*unlock).code == 1, "it takes a reason"
    assert trailseal(*unlock, "--reason", "called back").code == 0
    assert trailseal(*unlock, "--reason", "again").code == 1
    one.begin()


def test_a_reset_is_asked_for_listed_and_confirmed_by_somebody_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person(world, "reviewer1", [Role.REVIEWER])
    officer = person(world, "officer1", [Role.SECURITY_OFFICER])
    monkeypatch.setenv("TRAILSEAL_CREDENTIAL", world.tokens[Scope.ADMIN].token)
    asked = trailseal("user", "reset", "reviewer1", "--reason", "lost it", "--ledger", world.folder, "--json")
    assert asked.code == 0, asked.err
    reset = asked.json()[0]["reset"]
    assert reset in trailseal("user", "reset", "--ledger", world.folder).out
    assert trailseal("user", "reset", "reviewer1", "--ledger", world.folder).code == 1
    assert trailseal("user", "reset", "--confirm", reset, "--ledger", world.folder).code == 1
    monkeypatch.setenv("TRAILSEAL_CREDENTIAL", officer.begin())
    done = trailseal("user", "reset", "--confirm", reset, "--ledger", world.folder, "--json")
    assert done.code == 0, done.err
    assert done.json()["code"].startswith("se_")
