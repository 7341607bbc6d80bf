"""Projector of imports: which there are, of which source, and where each stands."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.sources import tables as t
from ledger.sources.import_kinds import ImportState, SourceImport


class ImportProjector:
    """Where each import stands."""

    name = "import"
    version = 1
    kinds = frozenset({"import", "true-copy"})
    table = t.source_import.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body = entry.body
        state = body.state if isinstance(body, SourceImport) else ImportState.TRUE_COPY
        yield Valid(body.id, (body.source, state.value, body.file.sha256))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (ImportProjector(),)
