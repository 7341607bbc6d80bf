"""Entries of signing workflows in the ledger that is attacked: every table of theirs has rows, open and closed ones."""

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.members import Members
from ledger.core.signature import Target, TargetSort, target_root
from ledger.core.workflow import (
    DecisionEntry,
    DecisionEvent,
    DelegationEntry,
    DelegationState,
    RequestEntry,
    RequestState,
    RouteEntry,
    Stage,
    Step,
)
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, ORIGIN, START_US, Ledger


def workflows(ledger: Ledger, number: int) -> None:
    """A route, a request with decisions, and a delegation of this round; requests of odd rounds end."""
    step = Step(step="approve", role="approver", meaning="approved")
    route = RouteEntry(
        route=f"route-{number % 2}",
        title=f"Route {number}",
        stages=(Stage(steps=(step,)),),
        reason="set",
        authority=AUTHORITY,
    )
    version = ledger.store.append_one(SYSTEM_LOG, draft(route)).index
    leaves = [bytes([number * 2 + one + 1]) * 32 for one in range(2)]
    request = RequestEntry(
        request=f"request-{number}",
        title=f"Request {number}",
        target=Target(
            sort=TargetSort.ENTRIES,
            id=f"Request {number}",
            version=f"as of {20 + number} entries",
            origin=(f"{ORIGIN}/records", f"{ORIGIN}/system")[number % 2],
            count=2,
            root=target_root(leaves),
            entries=(3 + number, 9 + number),
            leaves=tuple(map(b64, leaves)),
        ),
        route=route.route,
        route_version=version,
        performers=(f"operator{number}",),
        reason="work is done",
        authority=AUTHORITY,
        site="records",
    )
    opened = ledger.store.append_one(SYSTEM_LOG, draft(request)).index
    chosen = Members.of([number + 1, number + 2, number + 7])
    told = msgspec.structs.replace(request.target, entries=(), leaves=(), runs=chosen.text, count=len(chosen))
    bodies: list[msgspec.Struct] = [
        msgspec.structs.replace(request, request=f"set-{number}", target=told),
        msgspec.structs.replace(route, title=f"Route {number}, as it was", retired=number == 3),
        DecisionEntry(
            request=request.request,
            opened=opened,
            event=DecisionEvent.REFUSED,
            reason="it comes later",
            authority=msgspec.structs.replace(AUTHORITY, actor=f"local:tester{number}"),
            step="approve" if number % 2 else None,
            tried=DecisionEvent.SIGNED,
        ),
    ]
    if number % 2:
        bodies.append(
            DecisionEntry(
                request=request.request,
                opened=opened,
                event=DecisionEvent.WITHDRAWN,
                reason="opened by mistake",
                authority=AUTHORITY,
                state=RequestState.WITHDRAWN,
            )
        )
    for name in ("leave", "travel"):
        lent = DelegationEntry(
            delegation=f"{name}-{number}",
            account=f"approver{number}",
            delegate=f"reviewer{number}",
            state=DelegationState.GRANTED,
            from_at=utc_text(START_US + number),
            until_at=utc_text(START_US * 2 + number),
            reason=name,
            authority=AUTHORITY,
        )
        bodies.append(lent)
        if number % 2:
            bodies.append(msgspec.structs.replace(lent, state=DelegationState.ENDED, reason="over"))
    for one in bodies:
        ledger.store.append_one(SYSTEM_LOG, draft(one))
