"""Tells those responsible what happened at the door: each hook is asked once, and that they were told is an entry."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.people.person_kinds import Purpose, SignInEntry, SignInEvent
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

ALERTS: Final = Authority(actor="service:alerts", authenticated=False)

Hook = Callable[[str, int], Sequence[str]]
"""Given the account and the index of its lock's entry, tells whom it tells and returns their accounts."""


class Alerts:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hooks: list[Hook] = []
        self._lock = threading.Lock()

    def listen(self, hook: Hook) -> None:
        """From here on this hook is asked about every lock."""
        with self._lock:
            self._hooks.append(hook)

    def locked(self, account: str, index: int) -> None:
        """Has those responsible told of the lock at this entry, and enters whom; never raises: the lock stands anyway.

        Where nobody could be told there is no such entry, and the lock stays among those to be told of.
        """
        told: set[str] = set()
        for hook in tuple(self._hooks):
            try:
                told.update(hook(account, index))
            except Exception as error:
                structlog.get_logger("ledger.people").error("nobody was told of a lock", exc_info=error)
        if not told:
            return
        entry = SignInEntry(
            account=account,
            event=SignInEvent.ALERTED,
            purpose=Purpose.SIGN_IN,
            count=len(told),
            reason=f"entry {index}: told {', '.join(sorted(told))}"[:1000],
            authority=ALERTS,
        )
        self._store.append_one(SYSTEM_LOG, draft(entry))
