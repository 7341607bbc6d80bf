"""Projector of resets."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.projector import Projector, Valid
from ledger.people import tables as t
from ledger.people.reset_kinds import ResetEntry, ResetEvent


class ResetProjector:
    """Requests that wait for another person; one that was decided has no open row."""

    name = "reset-request"
    version = 1
    kinds = frozenset({"reset"})
    table = t.reset_request.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: ResetEntry = entry.body
        asked = body.event is ResetEvent.ASKED
        yield Valid(body.reset, (body.account, parse_utc(body.lapses_at)) if asked else None)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this part."""
    return (ResetProjector(),)
