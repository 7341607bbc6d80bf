"""The page of rules: their states, what came of them, and what is looked past."""

from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import Connection

from ledger.people.access import Scope, allow
from ledger.store.logs import SYSTEM_LOG
from ledger.web import pages
from ledger.web.pages import PageRequest
from ledger.web.render import page
from ledger.web.views.common import Scope as ViewScope
from ledger.web.views.rules import RulesView, rules_view

Context = NamedDependency[Any]
COUNTS: Final = ("flagged", "closed", "suppressed", "confirmed", "dismissed", "explained", "open", "missed")
"""What is counted of each rule (`rule_statistics.RuleCounts`), in the order of the columns."""


def handlers(zone: ZoneInfo) -> list[Any]:
    """The route; `zone` is the site's time zone."""

    @get("/rules/{log:str}", opt=allow(Scope.READ))
    async def rules(request: PageRequest, context: Context, log: FromPath[str]) -> Response[str]:
        """Every rule with its state and its numbers."""
        service = context.service

        def make(scope: ViewScope, connection: Connection) -> RulesView:
            names = tuple(one.name for one in scope.logs if one.number != SYSTEM_LOG)
            minutes = service.settings.rules_minutes
            return rules_view(
                service.store, connection, scope.record_log(log), names, scope.clock.now_us(), minutes, zone
            )

        view = await pages.read(context, request.user, zone, make)
        return page("rules.html", view=view, names=COUNTS, place="home", viewer=request.user.account)

    return [rules]
