"""The site's profile as it stood at any entry of the system log, by the entries that set its items alone."""

from bisect import bisect_left
from collections.abc import Collection
from typing import Any

import msgspec

from ledger.people.person_kinds import ProfileEntry
from ledger.people.profile import Profile


class Profiles:
    """The items that somebody judges by, and no other; `at` asks of any entry that was taken in, or of the next."""

    def __init__(self, wanted: Collection[str]) -> None:
        self._wanted = wanted
        self._items: dict[str, list[tuple[int, str]]] = {}

    def enter(self, index: int, body: msgspec.Struct) -> None:
        """Takes the system log's next entry, of whatever kind."""
        if isinstance(body, ProfileEntry) and body.item in self._wanted:
            self._items.setdefault(body.item, []).append((index, body.value))

    def at(self, index: int) -> Profile:
        """The profile by the entries before this one; raises msgspec.DecodeError where one says what no item can be."""
        said: dict[str, Any] = {}
        for item, values in self._items.items():
            at = bisect_left(values, index, key=lambda one: one[0])
            if at:
                said[item] = msgspec.json.decode(values[at - 1][1])
        return msgspec.convert(said, Profile)
