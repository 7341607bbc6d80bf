"""Decides every step of every case again from the system log: in order, and by two people where it takes two.

A case that was opened by whoever reported it, an epoch that one person alone began, or a closing of a damage without a
way back is named, whoever wrote it.
"""

from typing import Final

from ledger.core.entry import Entry
from ledger.findings.incident_kinds import CaseEvent, Cause, IncidentCase
from ledger.people.access import Scope

_AFTER: Final = {
    CaseEvent.COMPARED: {CaseEvent.OPENED, CaseEvent.COMPARED, CaseEvent.PROPOSED},
    CaseEvent.RESTORED: {CaseEvent.OPENED, CaseEvent.COMPARED, CaseEvent.PROPOSED, CaseEvent.RESTORED},
    CaseEvent.PROPOSED: {CaseEvent.OPENED, CaseEvent.COMPARED},
    CaseEvent.CONTINUED: {CaseEvent.PROPOSED, CaseEvent.CONTINUED},
}
"""The states that a step may follow."""
_DAMAGED: Final = (Cause.VERIFICATION, Cause.PUBLISHER)
_BACK: Final = {CaseEvent.RESTORED, CaseEvent.CONTINUED, CaseEvent.CLOSING}


def scope_of(body: IncidentCase) -> Scope:
    """What a step of a case takes, of somebody who is known: quality assurance is the second person, and closes."""
    second = (CaseEvent.OPENED, CaseEvent.CONTINUED, CaseEvent.CLOSING)
    return Scope.APPROVE if body.event in second else Scope.ADMIN


class Deciding:
    """The cases of the system log, in its order; `broken` asks of the entries in any order."""

    def __init__(self) -> None:
        self._last: dict[str, IncidentCase] = {}
        self._causes: dict[str, Cause | None] = {}
        self._wrong: dict[int, str] = {}

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = entry.body
        if not isinstance(body, IncidentCase):
            return
        what = self._out_of_order(body)
        if what:
            self._wrong[entry.index] = f"case {body.case!r}: {what}"
        self._last[body.case] = body
        if body.event is CaseEvent.OPENED:
            self._causes[body.case] = body.cause

    def broken(self, entry: Entry) -> str:
        """The rule that an entry of the system log breaks; empty if none."""
        return self._wrong.get(entry.index, "")

    def _out_of_order(self, body: IncidentCase) -> str:
        last = self._last.get(body.case)
        if last is None:
            first = body.event is CaseEvent.REPORTED or (body.event is CaseEvent.OPENED and body.cause in _DAMAGED)
            return "" if first else f"it was {body.event.value}, and nobody had opened it"
        if body.event is CaseEvent.OPENED:
            if last.event is not CaseEvent.REPORTED:
                return f"it was {last.event.value} before"
            same = (last.cause, last.subject, last.since) == (body.cause, body.subject, body.since)
            return _second(last, body) if same else "it is of something else than was reported"
        if body.event is CaseEvent.CLOSING:
            back = last.event in _BACK or self._causes.get(body.case) not in _DAMAGED
            return "" if back else "a damage that has no way back is to be closed"
        if body.comparison is not None and body.event is last.event:
            return ""  # compared once more, whatever its state
        if last.event not in _AFTER.get(body.event, ()):
            return f"it was {body.event.value} after it was {last.event.value}"
        return _second(last, body) if body.event is CaseEvent.CONTINUED else ""


def _second(first: IncidentCase, second: IncidentCase) -> str:
    """Why the second of two people is none; empty if they are."""
    if not second.authority.authenticated:
        return f"{second.authority.actor}, who is the second person, is nobody who signed in"
    own = first.authority.actor == second.authority.actor
    return f"{second.authority.actor} is the first and the second person" if own else ""
