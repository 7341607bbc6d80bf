"""Rules of the door, decided again from the system log's entries as they stood before: who may set, take away, unlock.

Only a person sets their own components; a code to begin with, an unlocking and a reset are somebody else's act; a reset
has two, neither the subject; and a session says which components began it, and names their entries, and at which
terminal, if at one.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ledger.core.address import parse_address
from ledger.core.authority import Authority
from ledger.core.entry import Entry
from ledger.people.access import Scope
from ledger.people.enrolment import FOUNDERS
from ledger.people.kinds import SessionEntry, SessionEvent
from ledger.people.person_kinds import CredentialEntry, CredentialSort, CredentialState, SignInEntry, SignInEvent
from ledger.people.reset_kinds import ResetEntry, ResetEvent
from ledger.people.terminal_kinds import IN_USE, TerminalEntry

OWN: Final = frozenset({CredentialSort.PASSWORD, CredentialSort.TOTP, CredentialSort.PASSKEY})
"""Sorts that nobody sets but their person."""

AT_THE_DOOR: Final = (CredentialEntry, SignInEntry, ResetEntry)


def at_the_door(body: msgspec.Struct) -> Scope | None:
    """The scope that an entry of these kinds takes; None for what people do to their own and the door does."""
    if isinstance(body, CredentialEntry) and body.authority.actor != body.account:
        return Scope.ADMIN
    if isinstance(body, ResetEntry) or (isinstance(body, SignInEntry) and body.event is SignInEvent.UNLOCKED):
        return Scope.ADMIN
    return None


class Entering:
    """Components, sessions and resets of the system log, in its order; `broken` asks of the entries in any order."""

    def __init__(self) -> None:
        self._components: dict[int, CredentialEntry] = {}
        self._asked: dict[str, ResetEntry] = {}
        self._terminals: dict[str, list[tuple[int, bool]]] = {}
        self._open: dict[str, set[str]] = {}
        self._began: int | None = None

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = entry.body
        if isinstance(body, ResetEntry) and body.event is ResetEvent.ASKED:
            self._asked.setdefault(body.reset, body)
        if isinstance(body, TerminalEntry):
            self._terminals.setdefault(body.terminal, []).append((entry.index, body.event in IN_USE))
        if not isinstance(body, CredentialEntry):
            return
        self._components[entry.index] = body
        if body.sort is CredentialSort.ENROLMENT:
            return
        names = self._open.setdefault(body.account, set())
        (names.add if body.state is CredentialState.SET else names.discard)(body.credential)
        if self._began is None and sum(map(bool, self._open.values())) >= FOUNDERS:
            self._began = entry.index

    def broken(self, entry: Entry, body: msgspec.Struct) -> str:
        """The rule that an entry of the system log breaks; empty if none."""
        if isinstance(body, CredentialEntry):
            return self._component(entry, body)
        if isinstance(body, SessionEntry) and body.event is SessionEvent.STARTED and body.methods:
            return self._session(body) or self._terminal(entry, body)
        if isinstance(body, SignInEntry) and body.event is SignInEvent.UNLOCKED:
            return f"{body.account} unlocked themselves" if body.authority.actor == body.account else ""
        if isinstance(body, ResetEntry):
            return self._reset(body)
        return ""

    def _component(self, entry: Entry, body: CredentialEntry) -> str:
        own, known = body.authority.actor == body.account, body.authority.authenticated
        if body.state is CredentialState.RETIRED:
            return ""
        if body.sort in OWN:
            return "" if own and known else f"{body.authority.actor} set a component of {body.account}"
        if body.sort is not CredentialSort.ENROLMENT:
            return ""
        if own:
            return f"{body.account} gave themselves a code"
        over = not known and self._began is not None and self._began < entry.index
        return "a code was given by nobody who is known, after the first start" if over else ""

    def _session(self, body: SessionEntry) -> str:
        """A session that the site's provider began is that domain's affair: its component says so."""
        if not body.authority.authenticated or body.authority.actor != body.account:
            return "a session says that its person signed in, and is not theirs"
        shown = sorted(one.sort.value for one in _named(self._components, body.authority))
        if CredentialSort.OIDC.value in body.methods or shown == sorted(body.methods):
            return ""
        return f"a session says {', '.join(body.methods)}, and names {', '.join(shown) or 'no component'}"

    def _terminal(self, entry: Entry, body: SessionEntry) -> str:
        """A session that says it began at a terminal began at one that was in use."""
        if body.terminal is None:
            return ""
        before = [in_use for index, in_use in self._terminals.get(body.terminal, ()) if index < entry.index]
        return "" if before and before[-1] else f"a session says terminal {body.terminal!r}, which was not in use"

    def _reset(self, body: ResetEntry) -> str:
        actor = body.authority.actor
        if actor == body.account:
            return f"{actor} reset their own account"
        if body.event is not ResetEvent.CONFIRMED:
            return ""
        asked = self._asked.get(body.reset)
        if asked is None or asked.account != body.account or not body.authority.authenticated:
            return f"reset {body.reset!r} was confirmed, and not asked for by somebody known"
        return f"{actor} confirmed what they asked for" if asked.authority.actor == actor else ""


def _named(components: Mapping[int, CredentialEntry], authority: Authority) -> list[CredentialEntry]:
    indices = (parse_address(address).index for address in authority.entries)
    return [components[index] for index in indices if index in components]
