"""Dispositions over HTTP: findings are judged, and how they were is listed."""

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import LogName, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason
from ledger.api.placed import AsOf, Limit
from ledger.api.problems import declared
from ledger.api.searching import Before
from ledger.core.disposition import Findings, Judgement
from ledger.people.access import Scope, allow
from ledger.review.reviews.dispositions import Disposed, NewDisposition
from ledger.store.as_of import as_of

Named = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
OfFinding = Annotated[
    str | None, QueryParameter(description="A finding, by its key: all that was ever decided of it.", max_length=44)
]
OfCase = Annotated[str | None, QueryParameter(description="A case: what its findings were judged.", max_length=512)]


class ToJudge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Findings by their keys, what they are, and why. `case`: the cause that they share, by the site's name for it."""

    findings: Findings
    judgement: Judgement
    reason: Reason
    case: Named | None = None
    deviation: Named | None = None
    capa: Named | None = None


class DispositionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of dispositions as of `size`, newest first. `next_before` as `before` goes on; null: this was the last."""

    log: str
    size: int
    dispositions: list[Disposed]
    next_before: int | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_dispositions(
    context: NamedDependency[Context],
    log: LogName,
    finding: OfFinding = None,
    case: OfCase = None,
    size: AsOf = None,
    before: Before = None,
    limit: Limit = 50,
) -> DispositionsAnswer:
    """How findings were judged: by whom, why, and what that led to. All that was decided of one finding, else what
    stands.
    """
    without_nul(finding=finding, case=case)

    def read() -> DispositionsAnswer:
        chosen = context.record_log(log).log
        with context.service.store.reader(chosen.number) as reader:
            at = as_of(reader, chosen, size)
        found = context.service.quality.dispositions.listed(chosen.number, finding, case, at, before, limit + 1)
        return DispositionsAnswer(
            log=chosen.name,
            size=at,
            dispositions=found[:limit],
            next_before=found[limit - 1].entry if len(found) > limit else None,
        )

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.REVIEW), responses=declared(409))
async def judge(
    context: NamedDependency[Context], request: CallerRequest, log: LogName, data: JSONBody[ToJudge]
) -> Disposed:
    """Judges findings that stand. A later disposition takes the place of an earlier one; both stay. 409 for a finding
    that was closed meanwhile.
    """
    no_nul_in(data)
    new = msgspec.convert(msgspec.to_builtins(data), NewDisposition)
    authority, give = request.user.authority, context.service.quality.dispositions.give
    return await context.lanes.append(lambda: give(context.record_log(log).log.number, new, authority))


router = Router("/logs/{log:str}/dispositions", route_handlers=[list_dispositions, judge], tags=["reviews"])
