"""Signatures by hand on printouts: each as what it is, on file beside the electronic ones, and never as one of them."""

from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger.core.paper import Paper
from ledger.present.inert import one_line
from ledger.present.messages import message
from reports import layout
from reports.beside import fingerprint
from reports.dataset import ReportData
from reports.style import H2, HEAD, code, facts, text

_LONG = 2000


def papers(data: ReportData, width: float) -> list[Flowable]:
    """Every signature by hand that is on file for what the package holds; nothing where there is none."""
    if not data.papers:
        return []
    found: list[Flowable] = [text(message("report.papers"), H2), text(message("report.papers.lead"))]
    for one in data.papers:
        found += _paper(one, data.system or "", width)
    return found


def copies(data: ReportData, width: float) -> list[Flowable]:
    """Every letter in force for a signature, and every scan: where in the package it is, or why it is not."""
    if not data.copies:
        return []
    found: list[Flowable] = [text(message("report.copies"), H2), text(message("report.copies.lead"))]
    for one in data.copies:
        where = message(f"report.copies.{one.state.value}", most=layout.MAX_COPIES, size=one.filed.original.size)
        rows: list[tuple[str, Flowable]] = [
            (message("report.signatures.entry"), code(one.entry)),
            (message("report.copies.where"), text(where) if one.file is None else code(one.file)),
        ]
        if one.sha256 is not None:
            rows += [(message("report.copies.size"), text(where)), (message("report.copies.digest"), code(one.sha256))]
        title = one.filed.says[:1].upper() + one.filed.says[1:]
        found += [CondPageBreak(80), text(one_line(title, _LONG), HEAD), facts(rows, width), Spacer(1, 6)]
    return found


def _paper(one: Paper, system: str, width: float) -> list[Flowable]:
    body = one.body
    assert body.original is not None
    by = one_line(body.authority.actor, _LONG)
    state = message("paper.state.entered", by=by)
    if one.checker is not None:
        state = message("paper.state.checked", by=by, other=one_line(one.checker, _LONG))
    scan = message(
        "report.papers.scan.says",
        media_type=body.original.media_type,
        size=body.original.size,
        kept_at=one_line(body.kept_at or "", _LONG),
    )
    rows: list[tuple[str, Flowable]] = [
        (message("paper.what"), text(message("paper.kind"))),
        (message("report.signatures.meaning"), text(one_line(body.meaning or "", _LONG))),
        (message("paper.signed-on"), text(body.signed_on or "")),
        (message("report.signatures.over"), code(body.printed.address)),
        (message("report.signatures.fingerprint"), code(fingerprint(one))),
        (message("report.papers.scan"), text(scan)),
        (message("paper.state"), text(state)),
        (message("report.signatures.entry"), code(f"{system}#{one.entered}")),
    ]
    return [CondPageBreak(140), text(one_line(body.name or "", _LONG), HEAD), facts(rows, width), Spacer(1, 6)]
