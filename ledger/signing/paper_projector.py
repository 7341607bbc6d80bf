"""Projectors of handwritten signatures."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.paper import PaperEntry, PaperEvent
from ledger.core.projector import Projector, Valid
from ledger.signing.paper_tables import paper_signature


class PaperProjector:
    """Handwritten signatures, by the version that they are of."""

    name = "paper-signature"
    version = 1
    kinds = frozenset({"paper-signature"})
    table = paper_signature.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: PaperEntry = entry.body
        gone = body.event is PaperEvent.WITHDRAWN
        row = (body.event.value, body.printed.sort.value, body.printed.address)
        yield Valid(body.paper, None if gone else row)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (PaperProjector(),)
