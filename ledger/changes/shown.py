"""Changes as every surface shows them: how each stands, and what it sets, old beside new."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.changes.reading import Standing, bodies_of, held, keys_of, lines_of
from ledger.core.address import Address
from ledger.core.change import Altered, ChangeState
from ledger.core.clock import utc_text
from ledger.core.kinds import kind_of
from ledger.signing.sign_off import SignOff, sign_off
from ledger.store.reading import LogReader
from ledger.store.store import Store

_LEFT_OUT = ("schema", "reason", "authority")
"""Members that say why and by whom, not what."""


class ShownChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change. `index`, `address`: of the entry that proposes it; `ended`: the entry since which it is effective, or
    withdrawn; `first`: of the `count` entries that it brought. `refused`: attempts that failed.

    `back_to`: since when it says otherwise, where that is past; of what it alters `altered` are named.
    """

    log: str
    change: str
    request: str
    state: ChangeState
    kinds: tuple[str, ...]
    count: int
    reason: str
    proposed_by: str
    proposed_at: str
    index: int
    address: str
    back_to: str | None
    altered: tuple[Altered, ...]
    altered_count: int
    ended: int | None
    ended_by: str | None
    ended_reason: str | None
    signature: str | None
    first: int | None
    refused: tuple[int, ...]
    sign_off: SignOff


class ShownLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that a change sets: what of it differs from what stood there before, by member.

    `old` null: nothing stood there; `replaces`: the entry that said it. `entry`: what it became.
    """

    number: int
    kind: str
    old: dict[str, Any] | None
    new: dict[str, Any]
    replaces: int | None
    entry: int | None


def shown(store: Store, connection: Connection, standing: Standing) -> ShownChange:
    """A change as it stands in this snapshot."""
    was, change, last = standing.proposal, standing.change, standing.change.last
    assert change.state is not None
    ended = None if change.ended is None or last is None else last
    return ShownChange(
        log=standing.log.name,
        change=was.change,
        request=was.request,
        state=change.state,
        kinds=was.kinds,
        count=was.count,
        reason=was.reason,
        proposed_by=was.authority.actor,
        proposed_at=utc_text(standing.proposed_us),
        index=standing.index,
        address=str(Address(standing.log.origin, standing.index)),
        back_to=was.back_to,
        altered=was.altered,
        altered_count=was.altered_count,
        ended=change.ended,
        ended_by=None if ended is None else ended.authority.actor,
        ended_reason=None if ended is None else ended.reason,
        signature=None if ended is None else ended.signature,
        first=change.ended + 1 if change.ended is not None and change.state is ChangeState.EFFECTIVE else None,
        refused=tuple(change.refused),
        sign_off=sign_off(store, connection, standing.log, standing.index, was),
    )


def shown_lines(store: Store, connection: Connection, standing: Standing, low: int, high: int) -> list[ShownLine]:
    """The lines of a change from number `low` to before `high` (the first is 0), beside what stood there before it."""
    live = store.projections.read_live(connection)
    log, ended = standing.log.number, standing.change.ended
    reader = LogReader(connection, log)
    brought = standing.change.state is ChangeState.EFFECTIVE
    found = []
    chosen: Sequence[bytes] = lines_of(connection, standing)[low:high]
    for number, body in enumerate(bodies_of(store.kinds, chosen, standing.proposal.authority), start=low):
        replaces = held(connection, log, keys_of(live, log, body), ended)
        kept = None if replaces is None else reader.entry(replaces)
        old = None if kept is None or kept.body is None else store.kinds[kind_of(type(body))].decode(kept.body)
        found.append(
            ShownLine(
                number=number,
                kind=kind_of(type(body)),
                old=None if old is None else _members(old),
                new=_members(body),
                replaces=replaces,
                entry=ended + 1 + number if brought and ended is not None else None,
            )
        )
    return found


def _members(body: msgspec.Struct) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(body)
    return {name: value for name, value in told.items() if name not in _LEFT_OUT}
