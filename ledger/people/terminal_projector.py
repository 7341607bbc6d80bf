"""Projector of terminals."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.people import tables as t
from ledger.people.terminal_kinds import IN_USE, TerminalEntry


class TerminalProjector:
    """Terminals that are in use, and when each was last tested; one that failed or was retired has no open row."""

    name = "terminal"
    version = 1
    kinds = frozenset({"terminal"})
    table = t.terminal.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: TerminalEntry = entry.body
        yield Valid(body.terminal, (body.title, entry.logged_us) if body.event in IN_USE else None)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (TerminalProjector(),)
