"""A handwritten signature on a printout, entered by hand: of which electronic version it is, and the scan's commitment.

It is no electronic signature and never shown as one. A printout bears the short fingerprint (128 bits) of what it is
of; the entry names that version in full, so that anybody can tell from the fingerprint on the paper what was signed.
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError
from ledger.core.record import Digest, Name, OriginalRef, Text

SHORT = 16
"""Bytes of a digest that a short fingerprint shows."""

Day = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class PaperEvent(StrEnum):
    """What can happen to a handwritten signature's entry."""

    ENTERED = "entered"
    CHECKED = "checked"
    """A second person compared it with the scan."""
    WITHDRAWN = "withdrawn"
    """It was entered in error; what it said stays on record."""


class PrintSort(StrEnum):
    """What a printout is of."""

    ENTRY = "entry"
    SIGNATURE = "signature"


class Printed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The electronic version that a printout is of: an entry by its leaf hash, or an electronic signature by the digest
    of its statement. `replaced_by`: the entry that had taken its place when the paper was entered.
    """

    sort: PrintSort
    address: Name
    digest: Digest
    replaced_by: Name | None = None


class PaperEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="paper-signature/1"
):
    """Something happened to handwritten signature `paper`, on a printout of `printed`; `entered` bears the rest of it,
    with the scan in the vault.

    `name`: the printed name of who signed by hand, `account` theirs here, if they have one. `signed_on`: the day that
    the paper bears. `kept_at`: where the paper is.
    """

    paper: Name
    event: PaperEvent
    printed: Printed
    reason: Text
    authority: Authority
    meaning: Text | None = None
    name: Name | None = None
    account: Name | None = None
    signed_on: Day | None = None
    kept_at: Text | None = None
    original: OriginalRef | None = None


class Paper(msgspec.Struct, kw_only=True):
    """A handwritten signature as the entries have it: what was entered, where, and who compared it with the scan."""

    entered: int
    body: PaperEntry
    checked: int | None = None
    checker: str | None = None
    withdrawn: int | None = None
    why_withdrawn: str | None = None


class Papers:
    """The handwritten signatures of a system log, from its entries in order; what does not hold is raised."""

    def __init__(self) -> None:
        self._all: dict[str, Paper] = {}

    def enter(self, index: int, body: PaperEntry) -> None:
        """Takes the next entry; raises IntegrityError for one that could not come then."""
        found = self._all.get(body.paper)
        if body.event is PaperEvent.ENTERED:
            if found is not None or body.original is None or not body.name or not body.signed_on or not body.meaning:
                raise IntegrityError(f"handwritten signature {body.paper} was entered before, or not in full")
            self._all[body.paper] = Paper(entered=index, body=body)
            return
        if found is None or found.withdrawn is not None or found.body.printed != body.printed:
            raise IntegrityError(f"there is no handwritten signature {body.paper} that this could happen to")
        if body.event is PaperEvent.WITHDRAWN:
            found.withdrawn, found.why_withdrawn = index, body.reason
            return
        if found.checked is not None or not may_check(found, body.authority):
            raise IntegrityError(f"handwritten signature {body.paper} was not checked by a second person")
        found.checked, found.checker = index, body.authority.actor

    def get(self, paper: str) -> Paper | None:
        """A handwritten signature by its id."""
        return self._all.get(paper)

    def all(self) -> tuple[Paper, ...]:
        """Every one, in the order of the log; also those that were entered in error."""
        return tuple(self._all.values())


def may_check(paper: Paper, authority: Authority) -> bool:
    """Whether who acts is a second one, and known: neither who entered it nor who signed."""
    return authority.authenticated and authority.actor not in (paper.body.authority.actor, paper.body.account)
