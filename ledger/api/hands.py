"""What people enter by hand, over HTTP: a page of paper with its scan, an observation, a correction; and its check."""

from typing import Annotated, Final

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import Limit
from ledger.api.problems import declared
from ledger.api.searching import Before
from ledger.core.record import Action, Change, Link, LinkBasis, LinkKind, Name, Outcome, Target, Text
from ledger.core.scans import MAX_SCAN
from ledger.core.times import parse_source_time
from ledger.people.access import Scope, allow
from ledger.sources.hand_kinds import HandPaper, HandSort, HandState
from ledger.sources.hands import KnownHand, NewHand

MAX_BODY: Final = MAX_SCAN * 4 // 3 + 64 * 1024
HandPath = Annotated[str, PathParameter(description="What was entered by hand, by its id.", max_length=100)]

InState = Annotated[HandState | None, QueryParameter(name="state", description="What stands so alone.")]


class SeenChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an attribute was, and what it became; leave out what nobody saw."""

    attribute: Name
    old: Text | None = None
    new: Text | None = None
    unit: Name | None = None


class SeenLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it belongs to."""

    kind: LinkKind
    id: Name


class ToEnter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is entered. `occurred_at` is as the paper or the clock on the wall has it, with an offset or else in `zone`.

    `done_by`: who did it, where that is somebody else. `stated_reason`: why it was done, as the paper says; `reason`:
    why it is entered by hand. A *paper* needs `paper` and its `scan` (base64: PDF, PNG or JPEG), a *correction* the
    address of the record that it `corrects`. `source`: only where the log has several that are entered by hand.
    `out_of_range`: why a value outside the range that the parameters give is right all the same.
    """

    sort: HandSort
    object: Target
    action: Action
    occurred_at: Annotated[str, msgspec.Meta(min_length=1, max_length=64, examples=["2026-11-25T07:10"])]
    reason: Reason
    zone: Annotated[str, msgspec.Meta(max_length=200, examples=["Europe/Berlin"])] | None = None
    source: Name | None = None
    done_by: Name | None = None
    stated_reason: Text | None = None
    outcome: Outcome = Outcome.SUCCESS
    changes: Annotated[tuple[SeenChange, ...], msgspec.Meta(max_length=100)] = ()
    links: Annotated[tuple[SeenLink, ...], msgspec.Meta(max_length=100)] = ()
    paper: HandPaper | None = None
    corrects: Name | None = None
    out_of_range: Reason | None = None
    scan: bytes | None = None

    def new(self) -> NewHand:
        """As the ledger takes it; raises InvalidEntry for a zone that is none."""
        return NewHand(
            sort=self.sort,
            object=self.object,
            action=self.action,
            occurred_at=parse_source_time(self.occurred_at, self.zone),
            reason=self.reason,
            source=self.source,
            done_by=self.done_by,
            stated_reason=self.stated_reason,
            outcome=self.outcome,
            changes=tuple(
                Change(
                    attribute=one.attribute,
                    old=msgspec.UNSET if one.old is None else one.old,
                    new=msgspec.UNSET if one.new is None else one.new,
                    unit=one.unit,
                )
                for one in self.changes
            ),
            links=tuple(Link(kind=one.kind, id=one.id, basis=LinkBasis.READ) for one in self.links),
            paper=self.paper,
            corrects=self.corrects,
            out_of_range=self.out_of_range,
        )


class ToCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a second person agrees with what was entered; the reason says how it was compared, or what is wrong."""

    agrees: bool
    reason: Reason


class HandsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of what was entered by hand, newest first. `next_before` as `before` goes on; null: this was the last."""

    log: str
    entered: list[KnownHand]
    next_before: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_by_hand(
    context: NamedDependency[Context],
    log: LogName,
    standing: InState = None,
    before: Before = None,
    limit: Limit = 50,
) -> HandsAnswer:
    """What was entered by hand, as it stands; `state` *to-check* waits for a second person."""

    def read() -> HandsAnswer:
        chosen = context.record_log(log)
        # One more than the page has tells whether there is another.
        found = chosen.hands.listed(standing, before, limit + 1)
        return HandsAnswer(
            log=chosen.log.name,
            entered=found[:limit],
            next_before=found[limit - 1].index if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.ENTER), responses=declared(409, 413), request_max_body_size=MAX_BODY)
async def enter_by_hand(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToEnter]
) -> KnownHand:
    """Enters what no system records. It is a record like any other, and marked wherever it is shown."""
    no_nul_in(msgspec.structs.replace(data, scan=None))
    caller, new = request.user, data.new()

    def enter() -> KnownHand:
        sees = caller.sees(one.name for one in context.service.logs.values())
        return context.record_log(log).hands.enter(new, data.scan, caller.authority, sees)

    return await context.lanes.append(enter)


@get("/{hand:str}", opt=allow(Scope.READ), responses=declared())
async def one_by_hand(context: NamedDependency[Context], log: LogName, hand: HandPath) -> KnownHand:
    """One, as it stands. Its scan is the original of its record."""
    without_nul(hand=hand)
    return await context.lanes.read(lambda: context.record_log(log).hands.get(hand))


@post("/{hand:str}/check", opt=allow(Scope.ENTER), responses=declared(409))
async def check_by_hand(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, hand: HandPath, data: JSONBody[ToCheck]
) -> KnownHand:
    """A second person has compared it, and agrees or does not; 403 for who entered it."""
    without_nul(hand=hand)
    no_nul_in(data)
    authority = request.user.authority
    return await context.lanes.append(
        lambda: context.record_log(log).hands.check(hand, data.agrees, data.reason, authority)
    )


router = Router(
    "/logs/{log:str}/by-hand",
    route_handlers=[list_by_hand, enter_by_hand, one_by_hand, check_by_hand],
    tags=["by-hand"],
)
