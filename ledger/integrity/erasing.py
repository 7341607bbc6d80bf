"""Decides every erasure again from the system log: asked for once, approved by two others, erased with the second.

An entry that says "erased" makes the database let rows go. One that does not follow from the entries before it is
named, whoever wrote it; so is an approval by somebody who asked, approved before, is the subject, or is not known.
"""

from typing import Final

from ledger.core.address import parse_address
from ledger.core.entry import Entry
from ledger.core.errors import LedgerError
from ledger.people.kinds import AccountEntry, present
from ledger.privacy.erasure_kinds import ErasureEntry, ErasureEvent
from ledger.store.logs import LogCreated

APPROVALS: Final = 2
_OPEN: Final = (ErasureEvent.REQUESTED, ErasureEvent.APPROVED)


class Erasing:
    """The erasures of the system log, in its order; `broken` asks of the entries in any order."""

    def __init__(self) -> None:
        self._past: dict[str, list[ErasureEntry]] = {}
        self._wrong: dict[int, str] = {}
        self._accounts: dict[int, str] = {}
        self._origin = ""

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = present(entry.body)
        if isinstance(body, LogCreated):
            self._origin = body.origin
        elif isinstance(body, AccountEntry):
            self._accounts[entry.index] = body.account
        elif isinstance(body, ErasureEntry):
            past = self._past.setdefault(body.erasure, [])
            what = self._out_of_order(past, body)
            if what:
                self._wrong[entry.index] = f"erasure {body.erasure!r}: {what}"
            past.append(body)

    def broken(self, entry: Entry) -> str:
        """The rule that an entry of the system log breaks; empty if none."""
        return self._wrong.get(entry.index, "")

    def _out_of_order(self, past: list[ErasureEntry], body: ErasureEntry) -> str:
        if not past:
            asked = body.event in (ErasureEvent.REQUESTED, ErasureEvent.REFUSED)
            return "" if asked else f"it was {body.event.value}, and nobody had asked for it"
        if past[-1].event not in _OPEN:
            return f"it was {past[-1].event.value} before"
        first, last = past[0], past[-1]
        if (body.target, body.member, body.ground) != (first.target, first.member, first.ground):
            return "it is of another value than was asked for"
        if body.event is ErasureEvent.APPROVED:
            return self._approved(past, body)
        if body.event is not ErasureEvent.ERASED:
            return "it was asked for before"
        approvals = [one for one in past if one.event is ErasureEvent.APPROVED]
        if len(approvals) != APPROVALS or last.authority.actor != body.authority.actor or last.rows != body.rows:
            return "it does not follow from two approvals"
        return ""

    def _approved(self, past: list[ErasureEntry], body: ErasureEntry) -> str:
        actor = body.authority.actor
        if not body.authority.authenticated:
            return f"{actor}, who approved it, is nobody who signed in"
        if actor in {one.authority.actor for one in past} | {self._subject(body)}:
            return f"{actor} approved it, and had asked for it, approved it before, or is the subject"
        return "it was approved more than twice" if len(past) > APPROVALS else ""

    def _subject(self, body: ErasureEntry) -> str | None:
        """Whom a value of an account's entry is of."""
        try:
            place = parse_address(body.target)
        except LedgerError:
            return None
        return self._accounts.get(place.index) if place.origin == self._origin else None
