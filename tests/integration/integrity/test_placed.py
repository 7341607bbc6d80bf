"""From where people signed and vouched, judged by the rules, terminals and sessions that the log had then."""

from typing import Any

import msgspec
import pytest

from ledger.core.binding import KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.signature import SignatureEntry
from ledger.integrity.placed import Placed
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.person_kinds import ProfileEntry
from ledger.people.terminal_kinds import TerminalEntry, TerminalEvent
from tests.integration.integrity.test_overdue import VOUCHED
from tests.support.ledgers import AUTHORITY
from tests.unit.test_stored_examples import EXAMPLES

AT, DAY = 1_764_000_000_000_000, 86_400_000_000
HERE, THERE = "0123456789abcdef", "fedcba9876543210"
SIGNED = msgspec.json.decode((EXAMPLES / "signature-1.json").read_bytes(), type=SignatureEntry)


def rule(value: object, item: str = "places") -> ProfileEntry:
    text = msgspec.json.encode(value).decode()
    return ProfileEntry(item=item, value=text, old="[]", reason="as agreed", authority=AUTHORITY)


def terminal(event: TerminalEvent, name: str = HERE) -> TerminalEntry:
    return TerminalEntry(terminal=name, event=event, title="room 2", how="seen", reason="set up", authority=AUTHORITY)


def session(name: str, at: str | None) -> SessionEntry:
    return SessionEntry(
        session=name, event=SessionEvent.STARTED, account="r1", scopes=(), reason="signed in", authority=AUTHORITY,
        terminal=at,
    )  # fmt: skip


def said(
    *bodies: msgspec.Struct, after_days: float = 0, of: SignatureEntry | KeyBindingEntry = SIGNED, **members: Any
) -> str:
    """What is said of a signature, or of another, with these members after these entries, each of which is AT."""
    placed = Placed()
    usual = {"network": "192.0.2.7", "terminal": None} | ({"session": None} if of is SIGNED else {})
    signed = msgspec.structs.replace(of, **(usual | members))
    for index, body in enumerate(bodies):
        placed.enter(Entry(log=0, index=index, kind="account", logged_us=AT, body=body))
    entry = Entry(log=0, index=len(bodies), kind="signature", logged_us=AT + int(after_days * DAY), body=signed)
    placed.enter(entry)
    # What comes later changes nothing of what was.
    for index, body in enumerate((rule([{"scope": "sign", "networks": ["10.9.9.9/32"]}]),), start=entry.index + 1):
        placed.enter(Entry(log=0, index=index, kind="configuration", logged_us=AT, body=body))
    return placed.broken(entry)


NETWORK = rule([{"scope": "sign", "networks": ["192.0.2.0/24", "2001:db8:0:1::/64"]}])
AT_HERE = rule([{"scope": "sign", "terminals": [HERE]}])
ENROLLED, TESTED, RETIRED = map(terminal, (TerminalEvent.ENROLLED, TerminalEvent.TESTED, TerminalEvent.RETIRED))


@pytest.mark.requirement("R31")
def test_a_signature_is_good_from_where_the_rules_of_its_time_let_it() -> None:
    for bodies, members in (
        ((), {"network": None}),
        ((rule([{"scope": "approve", "networks": ["10.0.0.0/8"]}]),), {}),
        ((NETWORK,), {}),
        ((NETWORK,), {"network": "::ffff:192.0.2.7"}),
        ((NETWORK,), {"network": "2001:db8:0:1::/64"}),
        ((NETWORK, rule([])), {"network": "198.51.100.9"}),
        ((ENROLLED, AT_HERE), {"terminal": HERE, "after_days": 364}),
        ((ENROLLED, AT_HERE, session("s1", HERE)), {"terminal": HERE, "session": "s1"}),
        ((ENROLLED, AT_HERE, rule(0, "terminal_test_days")), {"terminal": HERE, "after_days": 4000}),
    ):
        assert said(*bodies, **members) == "", (bodies, members)


@pytest.mark.requirement("R31")
def test_one_from_elsewhere_is_named_with_where_it_was_made() -> None:
    for bodies, members, what in (
        ((NETWORK,), {"network": "198.51.100.9"}, "signed from 198.51.100.9, at no terminal: the rules then forbade"),
        ((NETWORK,), {"network": None}, "from nowhere that is said"),
        ((NETWORK,), {"network": "2001:db8:0:2::/64"}, "the rules then forbade"),
        ((rule([]), NETWORK), {"network": "testclient"}, "the rules then forbade"),
        ((ENROLLED, AT_HERE), {}, "at no terminal"),
        ((ENROLLED, AT_HERE), {"terminal": THERE}, f"at terminal '{THERE}', which was not in use"),
        ((ENROLLED, RETIRED, AT_HERE), {"terminal": HERE}, "which was not in use and tested then"),
        ((ENROLLED, AT_HERE), {"terminal": HERE, "after_days": 365}, "which was not in use and tested then"),
        ((ENROLLED, TESTED, rule(30, "terminal_test_days"), AT_HERE), {"terminal": HERE, "after_days": 31}, "tested"),
        ((ENROLLED, session("s1", None)), {"terminal": HERE, "session": "s1"}, "its session did not begin there"),
        ((NETWORK, rule("anywhere")), {}, "cannot be read"),
        ((NETWORK, msgspec.structs.replace(NETWORK, value="[")), {}, "cannot be read"),
    ):
        assert what in said(*bodies, **members), (bodies, members)


def vouching(*entries: int) -> KeyBindingEntry:
    """A vouching on the authority of these entries."""
    named = tuple(f"{VOUCHED.authority.entries[0].partition('#')[0]}#{index}" for index in entries)
    return msgspec.structs.replace(VOUCHED, authority=msgspec.structs.replace(VOUCHED.authority, entries=named))


@pytest.mark.requirement("R31")
def test_vouching_is_held_to_the_rules_of_signing_and_a_request_to_none() -> None:
    there = {"network": "198.51.100.9"}
    at_one = (ENROLLED, AT_HERE, session("s1", HERE), session("s2", None), session("s3", THERE))
    for bodies, of, members, what in (
        ((NETWORK,), vouching(), {}, ""),
        ((NETWORK,), vouching(), there, "it was vouched from 198.51.100.9, at no terminal: the rules then forbade it"),
        ((NETWORK,), vouching(), {"network": None}, "from nowhere that is said"),
        ((NETWORK, rule([])), vouching(), there, ""),
        ((NETWORK,), msgspec.structs.replace(VOUCHED, attestation=None), there, ""),
        (at_one, vouching(2), {"terminal": HERE}, ""),
        (at_one, vouching(3), {"terminal": HERE}, "it was vouched at terminal '0123456789abcdef', and its session did"),
        (at_one, vouching(4), {"terminal": HERE}, "its session did not begin there"),
        (at_one, vouching(), {"terminal": HERE}, "its session did not begin there"),
        ((*at_one, RETIRED), vouching(2), {"terminal": HERE}, "which was not in use and tested then"),
        (at_one, vouching(2), {"terminal": HERE, "after_days": 365}, "which was not in use and tested then"),
    ):
        found = said(*bodies, of=of, **members)
        assert (what in found) if what else found == "", (bodies, members, found)
