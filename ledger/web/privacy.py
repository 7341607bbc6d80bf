"""Pages of what one was told, who looked for whom, and what is evaluated of persons."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from ledger.people.access import Door, Scope, allow
from ledger.people.evaluations import Evaluation, evaluations
from ledger.present.messages import message
from ledger.web import disposals, erasures, holds, retention
from ledger.web.pages import PageRequest
from ledger.web.render import page

Context = NamedDependency[Any]


@get("/notices", opt=allow(Door.CALLER))
async def my_notices(request: PageRequest, context: Context) -> Response[str]:
    """What the caller was told, the newest first."""
    account, notices = request.user.account, context.service.notices
    found = await context.lanes.read(lambda: notices.mine(account))
    beside = [
        (place, message(words))
        for scope, place, words in (
            (Scope.ADMIN, "/erasures", "erasures.title"),
            (Scope.APPROVE, "/erasures/approvals", "erasures.approvals"),
            (Scope.ADMIN, "/look-ups", "look-ups.title"),
            (Scope.READ, "/holds", "holds.title"),
            (Scope.READ, "/disposals", "disposals.title"),
            (Scope.READ, "/retention", "retention.title"),
            (Scope.READ, "/changes", "changes.title"),
            (None, "/roles", "roles.title"),
        )
        if scope is None or request.user.allows(scope)
    ]
    system = context.service.system
    return page("notices.html", notices=found, system=system, beside=beside, place="notices", viewer=account)


@get("/look-ups", opt=allow(Scope.ADMIN))
async def look_ups(request: PageRequest, context: Context) -> Response[str]:
    """Who looked for whom, the newest first; by one account, or for one person, where that is asked for."""
    asked = {name: request.query_params.get(name, "").strip()[:512].replace("\0", "") for name in ("account", "person")}
    report = context.service.look_ups.report
    found = await context.lanes.read(lambda: report(asked["account"] or None, asked["person"] or None))
    return page("look_ups.html", found=found, asked=asked, place="look-ups", viewer=request.user.account)


@get("/evaluations", opt=allow(Door.CALLER))
async def evaluated(request: PageRequest, context: Context) -> Response[str]:
    """All that is evaluated of persons."""
    service = context.service

    def listed() -> list[Evaluation]:
        with service.store.reading() as connection:
            return evaluations(connection)

    found = await context.lanes.read(listed)
    return page("evaluations.html", found=found, place="evaluations", viewer=request.user.account)


HANDLERS = (
    my_notices,
    look_ups,
    evaluated,
    *erasures.HANDLERS,
    *retention.HANDLERS,
    *holds.HANDLERS,
    *disposals.HANDLERS,
)
