"""What a request is about, page by page, each entry with its sentence: so a large set is opened."""

from itertools import islice
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.members import Members
from ledger.core.progress import MAX_SHOWN
from ledger.core.signature import members
from ledger.core.workflow import RequestState
from ledger.people.access import Caller
from ledger.present.inert import one_line
from ledger.signing.looking import signed_target
from ledger.signing.requests import Running
from ledger.store.logs import choose
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.web.views.common import Line, Scope, entry_line

PAGE: Final = min(100, MAX_SHOWN)
"""Entries of one page."""


class ItemLine(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the set, and whether I was shown it before, where that is asked."""

    index: int
    line: Line
    opened: bool = False


class ItemsView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the set: its entries from number `at` (counted from 1) on. `opens`: I may enter that I was shown it.

    `base`: the address of these pages, `back` that of what the set belongs to. `before` and `after`: the entries that
    the pages beside it begin with.
    """

    title: str
    base: str
    back: str
    log: str
    count: int
    at: int
    lines: tuple[ItemLine, ...]
    before: int | None
    after: int | None
    to_open: int = 0
    opens: bool = False


def items_view(scope: Scope, connection: Connection, running: Running, caller: Caller, begin: int) -> ItemsView:
    """Of a request the page that begins with the first entry from `begin` on."""
    progress, name = running.progress, running.request.request
    log = choose(scope.logs, running.request.target.origin)
    view = _page(scope, connection, log, progress.members, begin, one_line(running.request.title))
    unopened = progress.unopened_among(caller.account, (one.index for one in view.lines))
    return msgspec.structs.replace(
        view,
        base=f"/tasks/{name}/items",
        back=f"/tasks/{name}",
        lines=tuple(msgspec.structs.replace(one, opened=one.index not in unopened) for one in view.lines),
        to_open=progress.unopened(caller.account),
        opens=caller.person and not caller.watched and progress.state is RequestState.OPEN and bool(unopened),
    )


def signed_view(scope: Scope, connection: Connection, store: Store, index: int, begin: int) -> ItemsView:
    """Of a signature the page that begins with the first entry from `begin` on; raises NotFound where it is none."""
    target = signed_target(store, connection, index)
    log = choose(scope.logs, target.origin)
    view = _page(scope, connection, log, members(target), begin, one_line(target.id))
    place = f"/signatures/{index}"
    return msgspec.structs.replace(view, base=f"{place}/entries", back=place)


def _page(scope: Scope, connection: Connection, log: LogId, chosen: Members, begin: int, title: str) -> ItemsView:
    begin = next(chosen.since(begin), chosen.first)
    found = list(islice(chosen.since(begin), PAGE + 1))
    rank = chosen.rank(begin)
    reader = LogReader(connection, log.number)
    stored = reader.chosen(found[:PAGE])
    return ItemsView(
        title=title,
        base="",
        back="",
        log=log.name,
        count=len(chosen),
        at=rank + 1,
        lines=tuple(ItemLine(index=one.index, line=entry_line(scope, one, reader)) for one in stored),
        before=None if rank == 0 else chosen.at(max(0, rank - PAGE)),
        after=found[PAGE] if len(found) > PAGE else None,
    )
