"""Limits of browser sessions, also across processes."""

import pytest

from ledger.core.errors import NotAuthenticated
from ledger.people.access import Scope
from ledger.people.sessions import ABSOLUTE_US, IDLE_US, LINK_US, Sessions
from ledger.service import Service
from tests.api.world import World

MINUTE = 60


def begin(world: World) -> tuple[Sessions, str]:
    sessions = world.people.sessions
    return sessions, sessions.redeem(sessions.issue_link(world.root))


def test_a_link_that_waits_too_long_begins_nothing(world: World) -> None:
    sessions = world.people.sessions
    link = sessions.issue_link(world.root)
    world.clock.pass_seconds(LINK_US / 1e6)
    with pytest.raises(NotAuthenticated):
        sessions.redeem(link)


def test_a_session_in_use_lasts_until_its_absolute_limit(world: World) -> None:
    sessions, secret = begin(world)
    passed = 0
    while passed + 20 * MINUTE < ABSOLUTE_US / 1e6:
        world.clock.pass_seconds(20 * MINUTE)
        passed += 20 * MINUTE
        assert sessions.find(secret).scopes == {Scope.READ, Scope.EXPORT}
    world.clock.pass_seconds(20 * MINUTE)
    with pytest.raises(NotAuthenticated):
        sessions.find(secret)


def test_an_idle_session_ends_and_an_entry_says_so(world: World) -> None:
    sessions, secret = begin(world)
    world.clock.pass_seconds(IDLE_US / 1e6 + 1)
    assert sessions.peek(secret) is None
    with pytest.raises(NotAuthenticated, match="idle"):
        sessions.find(secret)
    last = world.system_entries("session-event")[-1]
    assert (last["event"], last["reason"]) == ("ended", "idle")
    with pytest.raises(NotAuthenticated, match="revoked"):
        sessions.find(secret)


def test_use_in_one_process_keeps_the_session_alive_in_another(world: World) -> None:
    sessions, secret = begin(world)
    other = Service(world.folder, world.clock)
    sessions.find(secret)
    other.people.sessions.find(secret)
    world.clock.pass_seconds(20 * MINUTE)
    sessions.find(secret)
    sessions.save_touches()
    world.clock.pass_seconds(20 * MINUTE)
    assert other.people.sessions.find(secret).account == "local:root"
    other.close()


def test_touches_are_not_written_more_often_than_asked_for(world: World) -> None:
    from sqlalchemy import text

    sessions, secret = begin(world)
    for _ in range(50):
        sessions.find(secret)
    with world.service.store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM session_touch")) == 0
    sessions.save_touches()
    sessions.save_touches()
    with world.service.store.reading() as connection:
        assert connection.scalar(text("SELECT count(*) FROM session_touch")) == 1


def test_what_a_session_causes_says_not_authenticated_and_names_its_entry(world: World) -> None:
    sessions, secret = begin(world)
    authority = sessions.find(secret).authority
    assert authority.authenticated is False
    index = int(authority.entries[0].rpartition("#")[2])
    bodies = world.system_entries("session-event")
    assert bodies[-1]["event"] == "started"
    with world.service.store.reader(0) as reader:
        stored = reader.entry(index)
    assert stored.body is not None
    assert b'"started"' in stored.body


def test_a_session_ends_once(world: World) -> None:
    sessions, secret = begin(world)
    sessions.end(secret, "done")
    with pytest.raises(NotAuthenticated):
        sessions.end(secret, "again")
    assert len([body for body in world.system_entries("session-event") if body["event"] == "ended"]) == 1
