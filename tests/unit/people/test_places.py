"""Rules of places, and the view of the log that they and all rights are read off."""

import itertools

import pytest

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError
from ledger.people import log_view as module
from ledger.people import secrets
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.log_view import LogView
from ledger.people.places import AtTerminal, Place, allowed_from
from ledger.store.logs import SYSTEM_LOG
from tests.api.world import World

ISSUED = secrets.issue(secrets.TERMINAL, "terminal")
HERE = AtTerminal(terminal=ISSUED.id, row=ISSUED.item.value)
NETWORK = Place(scope="sign", networks=("192.0.2.0/24", "2001:db8::/32"))
TERMINAL = Place(scope="sign", terminals=(ISSUED.id,))
SECRET = ISSUED.text
OTHER = secrets.issue(secrets.TERMINAL, "terminal", ISSUED.id).text
SESSION = secrets.issue(secrets.SESSION, "terminal", ISSUED.id).text


@pytest.mark.requirement("R31")
@pytest.mark.parametrize(
    ("rules", "peer", "at", "shown", "allowed"),
    [
        ([], "198.51.100.9", None, None, True),
        ([NETWORK], "192.0.2.7", None, None, True),
        ([NETWORK], "2001:db8::7", None, None, True),
        ([NETWORK], "::ffff:192.0.2.7", None, None, True),
        ([NETWORK], "198.51.100.9", None, None, False),
        ([NETWORK], "testclient", None, None, False),
        ([TERMINAL], "192.0.2.7", HERE, SECRET, True),
        ([TERMINAL], "192.0.2.7", HERE, None, False),
        ([TERMINAL], "192.0.2.7", HERE, OTHER, False),
        ([TERMINAL], "192.0.2.7", HERE, SESSION, False),
        ([TERMINAL], "192.0.2.7", None, SECRET, False),
        ([TERMINAL, NETWORK], "192.0.2.7", None, None, True),
        ([TERMINAL, NETWORK], "198.51.100.9", HERE, SECRET, True),
        ([Place(scope="operate", networks=("10.0.0.0/8",))], "192.0.2.7", None, None, True),
    ],
    ids=itertools.count(),  # secrets are other ones in each process that collects
)
def test_a_rule_holds_by_network_or_by_the_terminal_of_the_session_shown_again(
    rules: list[Place], peer: str, at: AtTerminal | None, shown: str | None, allowed: bool
) -> None:
    assert allowed_from(rules, {"sign", "read"}, peer, at, shown) is allowed


def test_every_use_of_a_request_is_to_be_allowed(world: World) -> None:
    rules = [NETWORK, Place(scope="approve", networks=("10.0.0.0/8",))]
    assert not allowed_from(rules, {"sign", "approve"}, "192.0.2.7", None, None)


def test_sessions_that_nobody_ended_are_let_go_once_they_have_long_expired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FEW", 10)
    store, authority = world.service.store, world.people.directory.seen().authority("reviewer1", True, (1,))

    def begin(name: str, expires_us: int) -> int:
        entry = SessionEntry(
            session=name,
            event=SessionEvent.STARTED,
            account="reviewer1",
            scopes=(),
            reason="signed in",
            authority=authority,
            methods=("password",),
            expires_at=utc_text(expires_us),
        )
        return store.append_one(SYSTEM_LOG, draft(entry)).index

    now = world.clock.now_us()
    old = [begin(f"old{one}", now - 2 * module.LONG_AGO_US) for one in range(30)]
    young = [begin(f"young{one}", now + module.LONG_AGO_US) for one in range(5)]
    seen = LogView(world.clock)
    with store.reading() as connection:
        seen.require(connection, young)
        with pytest.raises(IntegrityError):
            seen.require(connection, old[:1])
    assert len(seen._ends) <= 20
    assert len(seen._in_force) < len(old) + len(young)
