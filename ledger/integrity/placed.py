"""Decides again from where somebody signed, or vouched for a key: by the rules of networks and terminals of then.

The rules are those of the profile as it stood at the signature's entry, and a terminal counts as far as it was in use
and its test was not overdue (21 CFR 11.10(h), 11.300(e)). Nothing but entries of the system log is read.
"""

from bisect import bisect_left

import msgspec

from ledger.core.address import parse_address
from ledger.core.binding import KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.signature import SignatureEntry
from ledger.integrity.profiles import Profiles
from ledger.people.credentials import DAY_US
from ledger.people.kinds import SessionEntry, SessionEvent, present
from ledger.people.places import PLACING, SIGN, held
from ledger.people.profile import Profile
from ledger.people.terminal_kinds import IN_USE, TerminalEntry


class Placed:
    """Rules, terminals and sessions of the system log, in its order; `broken` asks of its entries in any order."""

    def __init__(self) -> None:
        self._profiles = Profiles(PLACING)
        self._terminals: dict[str, list[tuple[int, int | None]]] = {}
        self._sessions: dict[str, str | None] = {}
        self._began: dict[int, str | None] = {}

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = present(entry.body)
        self._profiles.enter(entry.index, body)
        if isinstance(body, TerminalEntry):
            tested_us = entry.logged_us if body.event in IN_USE else None
            self._terminals.setdefault(body.terminal, []).append((entry.index, tested_us))
        elif isinstance(body, SessionEntry) and body.event is SessionEvent.STARTED:
            self._sessions[body.session] = self._began[entry.index] = body.terminal

    def broken(self, entry: Entry) -> str:
        """Why nobody could sign, or vouch, from where an entry says; empty if they could, and for any other entry."""
        body = present(entry.body)
        if isinstance(body, SignatureEntry):
            did, terminal, network = "signed", body.terminal, body.network
            elsewhere = body.session is not None and self._sessions.get(body.session) != terminal
        elif isinstance(body, KeyBindingEntry) and body.attestation is not None:
            did, terminal, network = "vouched", body.terminal, body.network
            named = [parse_address(address).index for address in body.authority.entries]
            elsewhere = terminal not in [self._began.get(index) for index in named]
        else:
            return ""
        if terminal is not None and elsewhere:
            return f"it was {did} at terminal {terminal!r}, and its session did not begin there"
        try:
            profile = self._profiles.at(entry.index)
        except msgspec.DecodeError as error:
            return f"the rules of places that were in force then cannot be read: {error}"
        good = None if terminal is None or not self._tested(terminal, entry, profile) else terminal
        if held(profile.places, SIGN, network, good):
            return ""
        at = "no terminal" if terminal is None else f"terminal {terminal!r}"
        counts = "" if terminal == good else ", which was not in use and tested then"
        return f"it was {did} from {network or 'nowhere that is said'}, at {at}{counts}: the rules then forbade it"

    def _tested(self, terminal: str, entry: Entry, profile: Profile) -> bool:
        tests = self._terminals.get(terminal, [])
        at = bisect_left(tests, entry.index, key=lambda one: one[0])
        tested_us = tests[at - 1][1] if at else None
        days = profile.terminal_test_days
        return tested_us is not None and (not days or entry.logged_us < tested_us + days * DAY_US)
