"""The register of rights over time, and the recurrent review of every account and its rights."""

from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.problems import declared
from ledger.people.access import Scope, allow
from ledger.people.register import Register, read_register, register_csv
from ledger.people.reviews import Decision, OpenReview, PastReview
from ledger.signing.sign_off import SignOff, reviews_sign_off
from ledger.store.position import MAX_INDEX

AsOf = Annotated[
    int | None,
    QueryParameter(description="The size of the system log to answer as of; now, if not given.", ge=0, le=MAX_INDEX),
]


class NewReview(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A review of what was open at `system_size`: each account but the reviewer's own is decided once."""

    system_size: Annotated[int, msgspec.Meta(ge=1, le=MAX_INDEX)]
    reason: Reason
    decisions: Annotated[tuple[Decision, ...], msgspec.Meta(max_length=10_000)]


class KnownReview(PastReview, frozen=True, kw_only=True):
    """A review that was entered, and how it is signed off."""

    signed: SignOff


@get("/register", opt=allow(Scope.READ), responses=declared())
async def register(context: NamedDependency[Context], size: AsOf = None) -> Register:
    """Who held which right from when to when: every grant there ever was, as of a size of the system log."""
    return await context.lanes.read(read_register, context.service.store, size)


@get("/register/csv", opt=allow(Scope.EXPORT), responses=declared(), media_type="text/csv")
async def register_as_csv(context: NamedDependency[Context], size: AsOf = None) -> Response[str]:
    """The register as CSV (RFC 4180)."""
    found = await context.lanes.read(read_register, context.service.store, size)
    return Response(
        register_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="register-{found.size}.csv"'},
    )


@get("/access-reviews", opt=allow(Scope.READ), responses=declared())
async def past_reviews(context: NamedDependency[Context]) -> list[KnownReview]:
    """Every review that was entered, newest first, with the signatures that it has and those that it still takes."""
    service = context.service

    def read() -> list[KnownReview]:
        past = service.people.reviews.past()
        signed = reviews_sign_off(service.store, service.system, [one.index for one in past])
        return [KnownReview(**msgspec.structs.asdict(one), signed=how) for one, how in zip(past, signed, strict=True)]

    return await context.lanes.read(read)


@get("/access-reviews/open", opt=allow(Scope.ADMIN), responses=declared())
async def open_review(context: NamedDependency[Context], request: CallerRequest) -> OpenReview:
    """Every active account with its roles, last use, and what stands out; the caller's own line is another's."""
    return await context.lanes.read(context.service.people.reviews.open, request.user.account)


@post("/access-reviews", opt=allow(Scope.ADMIN), responses=declared(409))
async def enter_review(
    context: NamedDependency[Context], request: CallerRequest, data: JSONBody[NewReview]
) -> PastReview:
    """Enters a review; accounts that are not kept lose every right with it. 409: something changed since."""
    texts = {f"{part} {at}": text for at, one in enumerate(data.decisions) for part, text in _texts(one)}
    without_nul(reason=data.reason, **texts)
    return await context.lanes.append(
        context.service.people.reviews.enter,
        data.system_size,
        data.decisions,
        data.reason,
        request.user.authority,
    )


def _texts(decision: Decision) -> tuple[tuple[str, str | None], ...]:
    return ("account", decision.account), ("remark", decision.remark)


router = Router(
    "/",
    route_handlers=[register, register_as_csv, past_reviews, open_review, enter_review],
    tags=["people"],
)
