"""What authorities of time say, as pages show it: by when an entry existed, and how far a log is dated."""

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.trust.timestamp_reading import existed_by, newest
from ledger.trust.tsa_admin import known_tsas
from ledger.web.views.common import Scope


class ShownExisted(msgspec.Struct, frozen=True, kw_only=True):
    """By when an entry existed, as the time-stamp at entry `index` of the system log says."""

    moment: Moment
    words: str
    index: int
    late: bool


class ShownStamped(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log is dated; `moment` and `index` (of the system log) are those of its newest time-stamp."""

    state: State
    words: str
    moment: Moment | None = None
    index: int | None = None


def show_existed(scope: Scope, connection: Connection, log: LogId, index: int) -> ShownExisted | None:
    """By when an entry existed; None where no time-stamp that holds says so."""
    try:
        found = existed_by(scope.kinds, connection, log, index)
    except LedgerError:
        return None  # level 3 says what is wrong
    if found is None:
        return None
    return ShownExisted(
        moment=moment(found.by_us, scope.zone),
        words=message("stamp.by", tsa=inert(found.tsa), size=found.size),
        index=found.index,
        late=found.late,
    )


def show_stamped(scope: Scope, connection: Connection, log: LogId) -> ShownStamped:
    """How far a log is dated: its newest time-stamp, verified for this look."""
    last = newest(connection, 1, origin=log.origin)
    if not last:
        return ShownStamped(state=State.UNKNOWN, words=message("home.stamped.none"))
    found = show_existed(scope, connection, log, last[0].size - 1)
    if found is None:
        return ShownStamped(state=State.FAILS, words=message("home.stamped.wrong"), index=last[0].index)
    words = message("home.stamped", index=last[0].size - 1, tsa=inert(last[0].tsa))
    return ShownStamped(state=State.HOLDS, words=words, moment=found.moment, index=found.index)


def show_outages(scope: Scope, connection: Connection) -> tuple[str, ...]:
    """Each authority that has not answered since its last good answer, in words."""
    try:
        failing = [one for one in known_tsas(scope.kinds, connection) if one.failing_since]
    except LedgerError as error:
        return (inert(error.message),)
    return tuple(
        message(
            "home.stamp.outage",
            tsa=inert(one.tsa),
            since=moment(parse_utc(one.failing_since or ""), scope.zone).local,
            error=one_line(one.error, 300),
        )
        for one in failing
    )
