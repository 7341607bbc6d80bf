"""What was decided of the batch's review: each deferral as it was signed, and what was answered to whoever asked."""

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger.core.record import LinkKind
from ledger.present.inert import one_line
from ledger.present.messages import message, number
from reports.dataset import LISTED, ReportData
from reports.decided import Answered, Deferred
from reports.style import HEAD, QUIET, code, facts, text

_LONG = 2000


def reviews(data: ReportData, width: float) -> list[Flowable]:
    """The deferrals, then the answers, the last first; that there are none is said too."""
    if data.selection.get("kind") != LinkKind.BATCH.value:
        return [text(message("report.reviews.no-batch"))]
    decided = data.origins.decided
    found: list[Flowable] = [text(message("report.reviews.lead"), QUIET)]
    if not decided.deferrals:
        found.append(text(message("report.reviews.deferrals.none")))
    for one in decided.deferrals:
        found += _deferral(data, one, width)
    if not decided.answers:
        return [*found, text(message("report.reviews.answers.none"))]
    found.append(text(message("report.reviews.answers", count=number(len(decided.answers))), HEAD))
    for answer in decided.answers[: -LISTED - 1 : -1]:
        found += _answer(data, answer)
    if len(decided.answers) > LISTED:
        found.append(text(message("report.reviews.more", count=number(len(decided.answers) - LISTED)), QUIET))
    return found


def _deferral(data: ReportData, one: Deferred, width: float) -> list[Flowable]:
    body, by = one.body, data.approvers(one.entry, one.body)
    approved = "; ".join(one_line(who, _LONG) for who in by) if by else message("report.reviews.unsigned")
    asked = message("report.reviews.asked", actor=one_line(body.authority.actor, _LONG), at=one.at)
    product = message("report.reviews.no-product") if body.product is None else one_line(body.product, _LONG)
    rows: list[tuple[str, Flowable]] = [
        (message("report.reviews.findings"), text(number(len(body.findings)))),
        (message("report.reviews.product"), text(product)),
        (message("report.reviews.scope"), text(one_line(body.scope, _LONG))),
        (message("report.reviews.risk"), text(one_line(body.risk, _LONG))),
        (message("report.reviews.by"), text(asked)),
        (message("report.reviews.approved"), text(approved)),
        (message("report.reviews.until"), text(body.expires_at)),
        (message("report.reviews.entry"), code(f"{data.origin}#{one.entry}")),
    ]
    title = text(message("report.reviews.deferral", until=body.expires_at), HEAD)
    return [CondPageBreak(60 * mm), title, facts(rows, width), Spacer(1, 6)]


def _answer(data: ReportData, one: Answered) -> list[Flowable]:
    said = message(
        "report.reviews.answer", at=one.at, state=one.body.state.value, size=number(one.body.size), entry=one.entry
    )
    why = [text(one_line(reason.what, _LONG), QUIET) for reason in one.body.reasons[:LISTED]]
    return [text(said), *why]
