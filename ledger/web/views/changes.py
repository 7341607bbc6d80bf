"""Changes of configuration as pages show them: how each stands, what it sets, and what the one who looks may do."""

from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from ledger.changes.effect import Effects
from ledger.changes.proposing import Proposals
from ledger.changes.reading import read_standing
from ledger.changes.shown import ShownChange, ShownLine, shown, shown_lines
from ledger.core.address import LogId, parse_address
from ledger.core.change import ChangeState
from ledger.core.clock import parse_utc
from ledger.core.errors import NotFound
from ledger.people.access import Caller
from ledger.people.changeable import approvers_of, scope_of
from ledger.present.inert import inert
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store

PER_PAGE: Final = 50
_STATES: Final = {
    ChangeState.PROPOSED: State.UNKNOWN,
    ChangeState.WITHDRAWN: State.FAILS,
    ChangeState.EFFECTIVE: State.HOLDS,
}


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A change in a line."""

    change: ShownChange
    at: Moment
    what: str
    state: State
    word: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member that a line sets: old and new in words; `old` None: nothing stood there."""

    name: str
    old: str | None
    new: str


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a change: what thing it is about, and what of it becomes otherwise."""

    line: ShownLine
    kind: str
    members: tuple[Member, ...]


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A change with a page of its lines. `signs`: I may sign it; `brings`, the signature by which it may take effect;
    `withdraws`: I may take it back.
    """

    row: ChangeRow
    lines: tuple[LineView, ...]
    first: int
    next: int | None
    signs: bool
    brings: str | None
    withdraws: bool
    signed_at: int | None


def change_rows(
    store: Store, proposals: Proposals, log: LogId, state: ChangeState | None, before: int | None, zone: ZoneInfo
) -> tuple[tuple[ChangeRow, ...], int | None]:
    """A page of changes, the latest events first, and where the next one begins."""
    found = proposals.all(log, state, before, PER_PAGE + 1)
    with store.reading() as connection:
        rows = tuple(_row(shown(store, connection, one), zone) for one in found[:PER_PAGE])
    return rows, found[PER_PAGE - 1].latest if len(found) > PER_PAGE else None


def waiting_of(store: Store, proposals: Proposals, log: LogId, kind: str) -> tuple[ShownChange, ...]:
    """The changes of a log that wait and set something of this kind."""
    found = [one for one in proposals.all(log, ChangeState.PROPOSED) if kind in one.proposal.kinds]
    with store.reading() as connection:
        return tuple(shown(store, connection, one) for one in found)


def change_view(
    store: Store,
    effects: Effects,
    connection: Connection,
    log: LogId,
    name: str,
    first: int,
    caller: Caller,
    zone: ZoneInfo,
) -> ChangeView:
    """A change as this caller sees it; raises NotFound."""
    standing = read_standing(store, connection, log, name)
    told, count = shown(store, connection, standing), standing.proposal.count
    if not 0 <= first < count:
        raise NotFound(f"change {name!r} has no line {first + 1}")
    lines = shown_lines(store, connection, standing, first, first + PER_PAGE)
    site = None if log.number == SYSTEM_LOG else log.name
    other = caller.person and caller.account != told.proposed_by
    roles = {role.value for role in approvers_of(told.kinds)}
    here = [one for one in caller.rights if site is None or not one.sites or site in one.sites]
    approves = any(one.role in roles for one in here)
    signed = None if told.signature is None else parse_address(told.signature).index
    return ChangeView(
        row=_row(told, zone),
        lines=tuple(_line(one) for one in lines),
        first=first,
        next=first + PER_PAGE if first + PER_PAGE < count else None,
        signs=standing.waits and other and approves and bool(told.sign_off.open),
        brings=effects.approving(connection, standing) if standing.waits else None,
        withdraws=standing.waits and caller.allows(scope_of(told.kinds), site),
        signed_at=signed,
    )


def seen_logs(connection: Connection, caller: Caller) -> tuple[str, ...]:
    """The names of the logs whose changes this caller sees: record logs first."""
    known = read_logs(connection)
    records = caller.sees(log.name for log in known if log.number != SYSTEM_LOG)
    return (*records, *(log.name for log in known if log.number == SYSTEM_LOG))


def _row(one: ShownChange, zone: ZoneInfo) -> ChangeRow:
    signed = one.state is ChangeState.PROPOSED and not one.sign_off.open
    kinds = ", ".join(message(f"kind.{kind}") for kind in one.kinds)
    return ChangeRow(
        change=one,
        at=moment(parse_utc(one.proposed_at), zone),
        what=message("changes.what", count=one.count, kinds=kinds),
        state=_STATES[one.state],
        word=message("changes.state.signed" if signed else f"changes.state.{one.state.value}"),
    )


def _line(one: ShownLine) -> LineView:
    old = one.old or {}
    names = [name for name in {**one.new, **old} if one.old is None or old.get(name) != one.new.get(name)]
    members = [
        Member(name=name, old=None if one.old is None else _text(old.get(name)), new=_text(one.new.get(name)))
        for name in names
        if one.old is not None or one.new.get(name) is not None
    ]
    return LineView(line=one, kind=message(f"kind.{one.kind}"), members=tuple(members))


def _text(value: Any) -> str:
    if value is None:
        return message("changes.nothing")
    return inert(value if isinstance(value, str) else msgspec.json.encode(value).decode())
