"""Who acted: the accounts of the records, each at its source, with role, how much they did, and when."""

from reportlab.lib.units import mm
from reportlab.platypus import Flowable

from ledger.present.inert import one_line
from ledger.present.messages import message, number
from reports.actors import LISTED
from reports.dataset import ReportData
from reports.style import CELL, CELL_QUIET, FIGURE, QUIET, code, grid, text
from reports.times import Zone

_LONG = 300


def accounts(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """The list, by source and account; what could not be listed is counted."""
    found: list[Flowable] = [text(message("report.accounts.lead"), QUIET)]
    if not data.actors.found:
        return [*found, text(message("report.accounts.none"))]
    rows = []
    for (source, account), one in sorted(data.actors.found.items()):
        roles = ", ".join(one_line(role, _LONG) for role in sorted(one.roles)) or "–"
        first = "–" if one.first_us is None else zone.local(one.first_us)
        last = "–" if one.last_us is None else zone.local(one.last_us)
        rows.append(
            [
                code(one_line(source, _LONG)),
                [text(one_line(account, _LONG) or message("report.accounts.unnamed"), CELL),
                 text(message(f"actor.{one.kind}"), CELL_QUIET)],
                text(roles, CELL),
                text(number(one.records), FIGURE),
                [text(first, CELL), text(last, CELL)],
            ]
        )  # fmt: skip
    head = [message(f"report.col.{name}") for name in ("source", "account", "roles", "selected", "acted")]
    widths = [36 * mm, 44 * mm, width - 142 * mm, 22 * mm, 40 * mm]
    found.append(grid(head, rows, widths, figures=(3,)))
    if data.actors.more:
        found.append(text(message("report.accounts.more", most=LISTED, count=data.actors.more), QUIET))
    return found
