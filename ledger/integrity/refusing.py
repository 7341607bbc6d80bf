"""Decides again which keys were refused: ended while they waited for a voucher, by somebody who could vouch.

Any other key of somebody else is ended by whoever administers the accounts (`integrity.needed`).
"""

from ledger.core.binding import BindingEvent, CeremonyEntry, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.signature import Mode
from ledger.people.kinds import present
from ledger.store.logs import SYSTEM_LOG


class Refusing:
    """The signing keys of the system log, in its order; `refused` asks of the entries in any order."""

    def __init__(self) -> None:
        self._waiting: dict[str, str | None] = {}
        self._counting: dict[str, str | None] = {}
        self._refusals: set[int] = set()

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = present(entry.body)
        if isinstance(body, CeremonyEntry):
            for one in body.statement.founders:
                self._counting[one.key_id] = self._waiting.pop(one.key_id, None)
        elif isinstance(body, KeyBindingEntry):
            self._bind(entry.index, body)

    def refused(self, entry: Entry) -> bool:
        """Whether an entry is such a refusal, which takes no scope."""
        return entry.log == SYSTEM_LOG and entry.index in self._refusals

    def _bind(self, index: int, body: KeyBindingEntry) -> None:
        if body.event is BindingEvent.REQUESTED:
            # Who signs elsewhere vouches for nobody.
            own = body.statement is not None and body.statement.key.mode is not Mode.EXTERNAL
            self._waiting[body.binding] = body.account if own else None
        elif body.event is BindingEvent.BOUND:
            self._counting[body.binding] = self._waiting.pop(body.binding, None)
        elif body.event is BindingEvent.REVOKED:
            if body.binding in self._waiting and body.authority.actor in self._counting.values():
                self._refusals.add(index)
            self._waiting.pop(body.binding, None)
            self._counting.pop(body.binding, None)
