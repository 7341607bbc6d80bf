"""Projectors of signatures made elsewhere."""

from collections.abc import Iterable

from ledger.core.admission import AdmissionEvent
from ledger.core.anchors import TrustAnchorEntry
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.signing.external_tables import trust_anchor


class TrustAnchorProjector:
    """The site's trust anchors."""

    name = "trust-anchor"
    version = 1
    kinds = frozenset({"trust-anchor"})
    table = trust_anchor.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: TrustAnchorEntry = entry.body
        yield Valid(body.anchor, None if body.event is AdmissionEvent.WITHDRAWN else (body.event.value,))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (TrustAnchorProjector(),)
