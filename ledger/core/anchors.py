"""Trust anchors of the site: which authorities' certificates signatures made elsewhere may chain to, and since when.

An anchor counts from the entry by which a second administrator confirmed it, until one withdraws it: nobody alone can
bring in an authority of their own and be anybody by it. What it was trusted for while it counted stays so.
"""

from enum import StrEnum
from hashlib import sha256

import msgspec

from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError
from ledger.core.passkey import Base64Url, unb64url
from ledger.core.record import Name, Text


class AnchorEvent(StrEnum):
    """What can happen to a trust anchor."""

    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    """By a second administrator: from here on signatures may chain to it."""
    WITHDRAWN = "withdrawn"


class TrustAnchorEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="trust-anchor/1"
):
    """Something happened to trust anchor `anchor` (SHA-256 of its certificate, hex); `proposed` bears the certificate.

    `subject`: its name, as RFC 4514 writes it.
    """

    anchor: Name
    event: AnchorEvent
    subject: Text
    reason: Text
    authority: Authority
    certificate: Base64Url | None = None


class Anchor(msgspec.Struct, kw_only=True):
    """A trust anchor as the entries have it."""

    anchor: str
    subject: str
    certificate: bytes
    proposer: str
    proposed: int
    confirmed: int | None = None
    confirmer: str | None = None
    withdrawn: int | None = None

    def counts(self, index: int) -> bool:
        """Whether what became entry `index` of the system log could chain to it."""
        return (
            self.confirmed is not None
            and self.confirmed < index
            and (self.withdrawn is None or self.withdrawn >= index)
        )


class Anchors:
    """The trust anchors of a system log, from its entries in order; what does not hold is raised, not taken in."""

    def __init__(self) -> None:
        self._all: list[Anchor] = []

    def enter(self, index: int, body: TrustAnchorEntry) -> None:
        """Takes the next entry; raises IntegrityError for one that could not come then."""
        last = self.last(body.anchor)
        living = last if last is not None and last.withdrawn is None else None
        if body.event is AnchorEvent.PROPOSED:
            data = unb64url(body.certificate or "")
            if anchor_id(data) != body.anchor or living is not None:
                raise IntegrityError(f"{body.anchor} is not the digest of this certificate, or is an anchor already")
            self._all.append(
                Anchor(
                    anchor=body.anchor,
                    subject=body.subject,
                    certificate=data,
                    proposer=body.authority.actor,
                    proposed=index,
                )
            )
            return
        if living is None:
            raise IntegrityError(f"there is no trust anchor {body.anchor} that this could happen to")
        if body.event is AnchorEvent.WITHDRAWN:
            living.withdrawn = index
            return
        if living.confirmed is not None or not may_confirm(living, body.authority):
            raise IntegrityError(f"trust anchor {body.anchor} was not confirmed by a second person who is known")
        living.confirmed, living.confirmer = index, body.authority.actor

    def all(self) -> tuple[Anchor, ...]:
        """Every anchor there is or was, in the order of the proposals."""
        return tuple(self._all)

    def last(self, anchor: str) -> Anchor | None:
        """What was said last of an anchor."""
        return next((one for one in reversed(self._all) if one.anchor == anchor), None)

    def in_force(self, index: int) -> tuple[Anchor, ...]:
        """The anchors that what became entry `index` could chain to."""
        return tuple(one for one in self._all if one.counts(index))


def anchor_id(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER), in hex."""
    return sha256(certificate).hexdigest()


def may_confirm(anchor: Anchor, authority: Authority) -> bool:
    """Whether who acts is a second one, and known."""
    return authority.authenticated and authority.actor != anchor.proposer
