"""Trust anchors of the site: which authorities' certificates signatures made elsewhere may chain to, and since when.

An anchor counts from the entry by which a second administrator confirmed it, until one withdraws it: nobody alone can
bring in an authority of their own and be anybody by it. What it was trusted for while it counted stays so.
"""

from hashlib import sha256

import msgspec

from ledger.core.admission import AdmissionEvent, Admissions, Admitted
from ledger.core.authority import Authority
from ledger.core.errors import IntegrityError
from ledger.core.passkey import Base64Url, unb64url
from ledger.core.record import Name, Text


class TrustAnchorEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="trust-anchor/1"
):
    """Something happened to trust anchor `anchor` (SHA-256 of its certificate, hex); `proposed` bears the certificate.

    `subject`: its name, as RFC 4514 writes it.
    """

    anchor: Name
    event: AdmissionEvent
    subject: Text
    reason: Text
    authority: Authority
    certificate: Base64Url | None = None


class Anchor(Admitted, kw_only=True):
    """A trust anchor as the entries have it."""

    anchor: str
    subject: str
    certificate: bytes


class Anchors(Admissions[Anchor]):
    """The trust anchors of a system log; what does not hold is raised, not taken in."""

    def __init__(self) -> None:
        super().__init__("trust anchor")

    def enter(self, index: int, body: TrustAnchorEntry) -> None:
        """Takes the next entry; raises IntegrityError for one that could not come then."""

        def make() -> Anchor:
            data = unb64url(body.certificate or "")
            if anchor_id(data) != body.anchor:
                raise IntegrityError(f"{body.anchor} is not the digest of this certificate")
            return Anchor(
                anchor=body.anchor,
                subject=body.subject,
                certificate=data,
                proposer=body.authority.actor,
                proposed=index,
            )

        self.take(index, body.anchor, body.event, body.authority, make)


def anchor_id(certificate: bytes) -> str:
    """SHA-256 of a certificate (DER), in hex."""
    return sha256(certificate).hexdigest()
