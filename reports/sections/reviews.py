"""What was decided of the reviews of batches: each deferral as it was signed, and what was last answered of each."""

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger.present.inert import one_line
from ledger.present.messages import message, number
from reports.dataset import LISTED, ReportData
from reports.decided import Answered, Deferred, batch_of
from reports.style import HEAD, QUIET, code, facts, text

_LONG = 2000


def reviews(data: ReportData, width: float) -> list[Flowable]:
    """The deferrals, then the answers: of one batch the last first, of several the last of each. That there are none is
    said too.
    """
    decided = data.origins.decided
    whole = batch_of(data.selection) is not None
    found: list[Flowable] = [text(message("report.reviews.lead"), QUIET)]
    if not whole:
        found.append(text(message("report.reviews.no-batch", count=number(len(decided.about(data.selection))))))
    if not decided.deferrals:
        found.append(text(message("report.reviews.deferrals.none")))
    for one in decided.deferrals[:LISTED]:
        found += _deferral(data, one, width)
    found += _more("report.reviews.more-deferrals", len(decided.deferrals) - LISTED)
    if not decided.answers:
        return [*found, text(message("report.reviews.answers.none"))]
    found.append(text(message("report.reviews.answers", count=number(len(decided.answers))), HEAD))
    shown = [*reversed(decided.answers)] if whole else [*decided.last]
    for answer in shown[:LISTED]:
        found += _answer(answer)
    return found + _more("report.reviews.more", len(decided.answers) - len(shown[:LISTED]))


def _more(key: str, count: int) -> list[Flowable]:
    return [text(message(key, count=number(count)), QUIET)] if count > 0 else []


def _deferral(data: ReportData, one: Deferred, width: float) -> list[Flowable]:
    body, by = one.body, data.approvers(one.entry, one.body)
    approved = "; ".join(one_line(who, _LONG) for who in by) if by else message("report.reviews.unsigned")
    asked = message("report.reviews.asked", actor=one_line(body.authority.actor, _LONG), at=one.at)
    product = message("report.reviews.no-product") if body.product is None else one_line(body.product, _LONG)
    rows: list[tuple[str, Flowable]] = [
        (message("report.reviews.batch"), text(one_line(body.batch, _LONG))),
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


def _answer(one: Answered) -> list[Flowable]:
    body = one.body
    batch, size = one_line(body.batch, _LONG), number(body.size)
    said = message("report.reviews.answer", at=one.at, batch=batch, state=body.state.value, size=size, entry=one.entry)
    why = [text(one_line(reason.what, _LONG), QUIET) for reason in body.reasons[:LISTED]]
    return [text(said), *why]
