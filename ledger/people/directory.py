"""Answers "who is calling?": at once from memory while the system log stands still, else from the log."""

import threading
from typing import Final

from ledger.core.errors import NotAuthenticated
from ledger.people import secrets
from ledger.people.credentials import Credential, CredentialReader, SystemView, view
from ledger.store.store import Store

VIEW_AGE_US: Final = 200_000
"""How long this process may rely on what it read of the system log: within it, a right that another process revoked
is refused here too. What this process itself changes counts at once."""


class Directory:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._view: SystemView | None = None
        self._read_us = 0
        self._changes = 0
        self._known: dict[tuple[str, str], Credential] = {}
        self._good: dict[tuple[str, str], bytes] = {}

    def peek(self, text: str) -> Credential | None:
        """The credential in force with this secret, if memory can tell without a look at the database."""
        if self._view is None or not 0 <= self._store.clock.now_us() - self._read_us <= VIEW_AGE_US:
            return None
        found = self._known.get(secrets.parse(text) or ("", ""))
        if found is None or not secrets.matches(text, found.row) or self._expired(found) or self._turned(found):
            return None
        return found

    def find(self, text: str) -> Credential:
        """The credential in force with this secret; raises NotAuthenticated. May read the database."""
        key = secrets.parse(text)
        if key is None:
            raise NotAuthenticated("the credential is not of a form that Trailseal issues")
        now, changes = self._store.clock.now_us(), self._changes
        with self._store.reading() as connection:
            seen = view(connection)
            with self._lock:
                # A snapshot from before a change of this process's own must not count as the present state.
                if self._changes == changes:
                    if seen != self._view:
                        self._known = {}
                    self._view, self._read_us = seen, now
                found = self._known.get(key) if self._view == seen else None
            if found is None or self._turned(found):
                found = CredentialReader(self._store, connection, seen).find(*key)
        if found is None or not secrets.matches(text, found.row) or self._expired(found):
            raise NotAuthenticated("the credential is unknown, expired or revoked")
        with self._lock:
            self._good[key] = found.row
            if self._view == seen:
                self._known[key] = found
        return found

    def was_good(self, text: str) -> bool:
        """Whether this process has seen the secret be good: a right to be looked at again, and to nothing else."""
        row = self._good.get(secrets.parse(text) or ("", ""))
        return row is not None and secrets.matches(text, row)

    def forget(self) -> None:
        """Makes the next question read the log: this process has just changed a right."""
        with self._lock:
            self._view = None
            self._changes += 1

    def seen(self) -> SystemView:
        """The system log as it stands now."""
        with self._store.reading() as connection:
            return view(connection)

    def _expired(self, found: Credential) -> bool:
        expires = found.caller.expires_us
        return expires is not None and self._store.clock.now_us() >= expires

    def _turned(self, found: Credential) -> bool:
        """Whether a grant began or ended since this was read."""
        return found.until_us is not None and self._store.clock.now_us() >= found.until_us
