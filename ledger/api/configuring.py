"""What routes that set configuration answer with: its entries where it holds at once, else the change to be signed."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, Protocol, TypeVar

import msgspec
from litestar import Response
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter

from ledger.api.context import Context
from ledger.api.people import Entered, Reason
from ledger.api.placed import placed
from ledger.api.problems import declared
from ledger.changes.proposing import Proposed
from ledger.core.authority import Authority
from ledger.core.change import Altered, ChangeState

T = TypeVar("T")
_WHICH: Final = "The number of the change request; needed once two persons hold roles."
Requested = Annotated[str, msgspec.Meta(min_length=1, max_length=100, description=_WHICH, examples=["CR-0042"])] | None
"""The change request, in a body."""
RequestedBy = Annotated[str | None, QueryParameter(description=_WHICH, min_length=1, max_length=100)]
"""The change request, in an address."""


class ProposedChange(msgspec.Struct, frozen=True, kw_only=True):
    """Configuration that is proposed: it takes effect once a second person has signed entry `index` of the log.

    A change that reaches back says otherwise of what rests on the past: `altered` names the first of it,
    `altered_count` says how much there is. What is `certain` was judged again, and comes out otherwise.
    """

    log: str
    change: str
    index: int
    state: ChangeState
    altered: list[Altered]
    altered_count: int


class Changing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why configuration is set, and under which change request."""

    reason: Reason
    change_request: Requested = None


class Why(Protocol):
    """What is asked for says why, and under which change request."""

    @property
    def reason(self) -> str: ...
    @property
    def change_request(self) -> str | None: ...


def proposed(log: str, made: Proposed) -> Response[Any]:
    """The answer to configuration that waits to be signed."""
    return Response(waiting(log, made), status_code=HTTPStatus.ACCEPTED)


def waiting(log: str, made: Proposed) -> ProposedChange:
    """A change that waits to be signed."""
    return ProposedChange(
        log=log,
        change=made.change,
        index=made.index,
        state=ChangeState.PROPOSED,
        altered=list(made.altered),
        altered_count=made.altered_count,
    )


async def enter_system(
    context: Context, make: Callable[[], msgspec.Struct], why: Changing, authority: Authority
) -> Response[Any]:
    """Sets configuration of the system log, or proposes it; `make` gives the entry."""
    service = context.service

    def enter() -> Response[Any]:
        made = service.quality.configuration.enter(service.system, [make()], why.reason, authority, why.change_request)
        if isinstance(made, Proposed):
            return proposed(service.system.name, made)
        return Response(Entered(index=made.entries[0]), status_code=HTTPStatus.CREATED)

    return await context.lanes.append(enter)


def enter_one(
    context: Context, log: str | None, entry: msgspec.Struct, why: Why, authority: Authority
) -> Response[Any]:
    """Sets configuration of a record log, or proposes it; to be called where appends are."""
    chosen, configuration = context.record_log(log), context.service.quality.configuration
    made = configuration.enter(chosen.log, [entry], why.reason, authority, why.change_request)
    if isinstance(made, Proposed):
        return proposed(chosen.log.name, made)
    return Response(placed(chosen, made.entries[0]), status_code=HTTPStatus.CREATED)


def set_or_proposed(*statuses: int) -> dict[int, ResponseSpec]:
    """What a route declares that answers either way: its errors, and the answer to what waits."""
    waits = ResponseSpec(
        data_container=ProposedChange,
        description="Proposed: it takes effect once a second person has signed it.",
        generate_examples=False,
    )
    answers: dict[int, Any] = {**declared(*statuses), HTTPStatus.ACCEPTED: waits}
    return answers
