"""The pages of erasures: requests and where each stands, one of them with what the one who looks may do about it."""

from collections.abc import Sequence

import msgspec

from ledger.core.address import LogId, parse_address
from ledger.people.access import Caller, Scope
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.privacy.erasure_kinds import ErasureEvent
from ledger.privacy.erasures import Erasure

_STATES = {ErasureEvent.ERASED: State.HOLDS, ErasureEvent.REFUSED: State.FAILS}
_OPEN = (ErasureEvent.REQUESTED, ErasureEvent.APPROVED)
_DECIDED = (ErasureEvent.REFUSED, ErasureEvent.ERASED)


class ErasureView(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is shown. `log` and `entry`: where the value stands; `why_not`: why I cannot approve it.

    `approves`: I may approve it now; `decided`: there is an answer for the person.
    """

    erasure: Erasure
    state: State
    word: str
    ground: str
    member: str
    reason: str
    log: str
    entry: int
    originals: int
    decided: bool
    approves: bool
    why_not: str


def erasure_view(logs: Sequence[LogId], caller: Caller, one: Erasure) -> ErasureView:
    """A request as this caller sees it."""
    place = parse_address(one.target)
    why_not = _why_not(caller, one)
    return ErasureView(
        erasure=one,
        state=_STATES.get(one.state, State.UNKNOWN),
        word=message(f"erasures.state.{one.state.value}"),
        ground=message(f"erasures.ground.{one.ground.value}"),
        member=one_line(one.member),
        reason=one_line(one.reason),
        log=next((log.name for log in logs if log.origin == place.origin), ""),
        entry=place.index,
        originals=sum(1 for row in one.rows if row.sort == "original"),
        decided=one.state in _DECIDED,
        approves=not why_not,
        why_not=why_not,
    )


def may_see(caller: Caller, one: Erasure) -> bool:
    """Whether a caller handles this request: administers accounts, or approves at its site."""
    return caller.allows(Scope.ADMIN) or caller.allows(Scope.APPROVE, one.site)


def _why_not(caller: Caller, one: Erasure) -> str:
    if one.state not in _OPEN:
        return message("erasures.over")
    if not caller.person or not caller.allows(Scope.APPROVE, one.site):
        return message("erasures.no-role")
    if caller.account in (one.asked_by, *one.approved_by):
        return message("erasures.own")
    return ""
