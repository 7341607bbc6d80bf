"""What counts for a site only once a second administrator confirmed it: trust anchors, authorities of time.

It counts from the entry that confirms it until one withdraws it; what it was good for while it counted stays so.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError


class AdmissionEvent(StrEnum):
    """What can happen to it."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    """By a second administrator: from here on it counts."""
    WITHDRAWN = "withdrawn"


class Admitted(msgspec.Struct, kw_only=True):
    """Who proposed and who confirmed it, by which entries, and which one withdrew it."""

    proposer: str
    proposed: int
    confirmed: int | None = None
    confirmer: str | None = None
    withdrawn: int | None = None

    @property
    def state(self) -> AdmissionEvent:
        """What happened to it last."""
        if self.withdrawn is not None:
            return AdmissionEvent.WITHDRAWN
        return AdmissionEvent.PROPOSED if self.confirmed is None else AdmissionEvent.CONFIRMED

    def counts(self, index: int) -> bool:
        """Whether what became entry `index` of the system log could rest on it."""
        return (
            self.confirmed is not None
            and self.confirmed < index
            and (self.withdrawn is None or self.withdrawn >= index)
        )

    def may_confirm(self, authority: Authority) -> bool:
        """Whether who acts is a second one, and known."""
        return authority.authenticated and authority.actor != self.proposer


One = TypeVar("One", bound=Admitted)


class Admissions(Generic[One]):
    """All of one sort, by name, from the system log's entries in order."""

    def __init__(self, sort: str) -> None:
        """`sort`: what errors call one of them."""
        self._sort = sort
        self._all: list[tuple[str, One]] = []

    def take(self, index: int, name: str, event: AdmissionEvent, authority: Authority, make: Callable[[], One]) -> None:
        """Takes the next entry; `make` gives what it proposes. Raises IntegrityError for one that cannot come."""
        last = self.last(name)
        living = last if last is not None and last.withdrawn is None else None
        if event is AdmissionEvent.PROPOSED:
            if living is not None:
                raise IntegrityError(f"{name} is a {self._sort} already")
            self._all.append((name, make()))
        elif living is None:
            raise IntegrityError(f"there is no {self._sort} {name} that this could happen to")
        elif event is AdmissionEvent.WITHDRAWN:
            living.withdrawn = index
        elif living.confirmed is not None or not living.may_confirm(authority):
            raise IntegrityError(f"{self._sort} {name} was not confirmed by a second person who is known")
        else:
            living.confirmed, living.confirmer = index, authority.actor

    def all(self) -> tuple[One, ...]:
        """Every one there is or was, in the order of the proposals."""
        return tuple(one for _, one in self._all)

    def last(self, name: str) -> One | None:
        """The last one of that name."""
        return next((one for known, one in reversed(self._all) if known == name), None)

    def in_force(self, index: int) -> tuple[One, ...]:
        """Those that what became entry `index` could rest on."""
        return tuple(one for one in self.all() if one.counts(index))
