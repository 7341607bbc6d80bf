"""Changes of what a site judges by: proposed under a change request, in effect once a second person signed. All pure.

A change stands in the log whose entries it brings. The proposal names what is to be entered; the entry that brings it
into effect names the signature, and the entries that follow it.
"""

from bisect import bisect_right
from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError
from ledger.core.record import Name, OriginalRef, Text
from ledger.core.times import SafeInt

Places = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


class ChangeEvent(StrEnum):
    """What can happen to a change."""

    PROPOSED = "proposed"
    REFUSED = "refused"
    """Somebody tried to bring it into effect without what that takes; it changes nothing."""
    WITHDRAWN = "withdrawn"
    EFFECTIVE = "effective"


class AlteredSort(StrEnum):
    """What a back-dated change can alter the result of."""

    FINDING = "finding"
    ASSESSMENT = "assessment"
    REVIEW = "review"
    MEMBERSHIP = "membership"


class Altered(msgspec.Struct, frozen=True, kw_only=True):
    """Something past whose result the change alters: which one (`id`), and the entry's address that holds it (`at`)."""

    sort: AlteredSort
    id: Name
    at: Name


class ChangeEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="change/1"):
    """What happened to a change. `request`: the site's change request, such as CR-0042.

    Proposed: `count` entries of these `kinds` are to be entered; `original` holds their bodies (JSON Lines, canonical,
    without `authority`). `back_to`: since when it applies, where that is past; then `altered` names what it alters, the
    first 500 of `altered_count`. Effective: by `signature` (an address); `first` is the index of the first entry that
    it brings, and the others follow.
    """

    change: Name
    event: ChangeEvent
    request: Name
    kinds: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=20)]
    count: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    reason: Text
    authority: Authority
    original: OriginalRef | None = None
    back_to: str | None = None
    altered: Annotated[tuple[Altered, ...], msgspec.Meta(max_length=500)] = ()
    altered_count: Places = 0
    signature: Name | None = None
    first: SafeInt | None = None


class Change(msgspec.Struct, kw_only=True):
    """A change as it stands: the index of its proposal, and of what ended it."""

    body: ChangeEntry
    proposed: int
    state: ChangeEvent = ChangeEvent.PROPOSED
    ended: int | None = None
    first: int | None = None
    signature: str | None = None
    refused: list[int] = []

    @property
    def proposer(self) -> str:
        """Who proposed it."""
        return self.body.authority.actor

    def brings(self, index: int) -> bool:
        """Whether entry `index` of the log is one that it brought."""
        return self.first is not None and self.first <= index < self.first + self.body.count


class Changes:
    """All changes of one log, from its entries in order."""

    def __init__(self) -> None:
        self._all: dict[str, Change] = {}
        self._effective: list[tuple[int, Change]] = []

    def take(self, index: int, body: ChangeEntry) -> None:
        """Takes the next entry; raises IntegrityError for one that cannot come."""
        known = self._all.get(body.change)
        if body.event is ChangeEvent.PROPOSED:
            self._all[body.change] = self._proposed(index, body, known)
            return
        if known is None or known.state is not ChangeEvent.PROPOSED:
            raise IntegrityError(f"there is no proposed change {body.change} that this could happen to")
        if (body.request, body.kinds, body.count) != (known.body.request, known.body.kinds, known.body.count):
            raise IntegrityError(f"change {body.change} is not told of as it was proposed")
        if body.event is ChangeEvent.REFUSED:
            known.refused.append(index)
            return
        if body.event is ChangeEvent.EFFECTIVE:
            if body.signature is None or body.first is None or body.first <= index:
                raise IntegrityError(f"change {body.change} names no signature, or no entry after it that it brings")
            known.signature, known.first = body.signature, body.first
            self._effective.append((body.first, known))
        known.state, known.ended = body.event, index

    def get(self, change: str) -> Change | None:
        """The change of that name."""
        return self._all.get(change)

    def all(self) -> tuple[Change, ...]:
        """Every change, in the order of the proposals."""
        return tuple(self._all.values())

    def bringing(self, index: int) -> Change | None:
        """The change that brought entry `index`; None: none did."""
        at = bisect_right(self._effective, index, key=lambda one: one[0])
        found = self._effective[at - 1][1] if at else None
        return found if found is not None and found.brings(index) else None

    def _proposed(self, index: int, body: ChangeEntry, known: Change | None) -> Change:
        if known is not None:
            raise IntegrityError(f"there is a change {body.change} already")
        if body.original is None:
            raise IntegrityError(f"change {body.change} does not hold what is to be entered")
        if body.altered_count < len(body.altered) or (body.altered and body.back_to is None):
            raise IntegrityError(
                f"change {body.change} names what it alters, and more than it counts or without a time"
            )
        return Change(body=body, proposed=index)
