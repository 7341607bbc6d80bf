"""Imported records: what makes them a true copy, who says so, and from when on is collected live instead."""

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger.core.hashing import unb64
from ledger.present.inert import one_line
from ledger.present.messages import message, number
from reports.dataset import ReportData
from reports.imports import final
from reports.origins import Import, OutcomeBody
from reports.style import HEAD, QUIET, code, facts, text

_LONG = 2000


def imports(data: ReportData, width: float) -> list[Flowable]:
    """Every import that brought records of the package; that none did is said too."""
    shown = [one for one in data.origins.imports if one.here]
    if not shown:
        return [text(message("report.imports.none"))]
    found: list[Flowable] = [text(message("report.imports.lead", count=data.origins.imported))]
    for one in shown:
        found += _import(data, one, width)
    return found


def _import(data: ReportData, one: Import, width: float) -> list[Flowable]:
    body, last = one.body, final(data.origins, one)
    outcome = None if last.outcome is None else last.outcome.outcome
    file = message(
        "report.imports.file.says",
        name=one_line(body.file.name, _LONG),
        size=number(body.file.size),
        given=message("report.imports.stated" if body.file.stated else "report.imports.unstated"),
    )
    rows: list[tuple[str, Flowable | list[Flowable]]] = [
        (message("report.imports.state"), text(message(f"report.imports.state.{last.state.replace(' ', '-')}"))),
        (message("report.imports.here"), text(number(one.here))),
        (message("report.imports.file"), [text(file), code(unb64(body.file.sha256, 32).hex())]),
        (message("report.imports.mapping"), text(one_line(body.mapping, _LONG))),
        *_figures(outcome),
        *_statement(data, last),
        (message("report.imports.live"), text(_live(last))),
        (message("report.imports.entries"), code(_entries(data, one, last))),
    ]
    return [
        CondPageBreak(60 * mm),
        text(one_line(body.id, _LONG), HEAD),
        facts(rows, width),
        *_reconciliation(outcome),
        *_words(last),
        Spacer(1, 6),
    ]


def _reconciliation(outcome: OutcomeBody | None) -> list[Flowable]:
    """Each difference on lines of its own, that may run over pages."""
    if outcome is None:
        return []
    return [
        text(
            message(
                "report.imports.differs",
                what=one_line(one.what, _LONG),
                expected="–" if one.expected is None else number(one.expected),
                found=number(one.found),
            )
        )
        for one in outcome.differences
    ]


def _words(last: Import) -> list[Flowable]:
    if last.true_copy is None:
        return []
    lines = [text(one_line(line, _LONG)) for line in last.true_copy.statement.splitlines()]
    return [text(message("report.imports.words"), QUIET), *lines]


def _figures(outcome: OutcomeBody | None) -> list[tuple[str, Flowable | list[Flowable]]]:
    if outcome is None:
        return []
    counts = outcome.counts
    says = message(
        "report.imports.figures.says",
        rows=number(counts.rows),
        records=number(counts.records),
        duplicates=number(counts.duplicates),
        quarantined=number(counts.quarantined),
    )
    first, until = outcome.first_occurred or "–", outcome.last_occurred or "–"
    reach = message("report.imports.reach", first=first, last=until, runs=outcome.runs)
    differ = len(outcome.differences)
    agrees = message("report.imports.differences", count=differ) if differ else message("report.imports.agrees")
    return [
        (message("report.imports.figures"), [text(says), text(reach)]),
        (message("report.imports.reconciliation"), text(agrees)),
    ]


def _statement(data: ReportData, last: Import) -> list[tuple[str, Flowable | list[Flowable]]]:
    stated = last.true_copy
    if stated is None or last.stated is None:
        return [(message("report.imports.statement"), text(message("report.imports.unsaid")))]
    by = message(
        "report.imports.by",
        actor=one_line(stated.authority.actor, _LONG),
        sample=len(stated.sample),
        compared=message("report.imports.compared" if stated.compared else "report.imports.uncompared"),
    )
    signers = data.signers(last.stated)
    signed = ", ".join(one_line(one, _LONG) for one in signers) if signers else message("report.imports.unsigned")
    return [
        (message("report.imports.statement"), text(by)),
        (message("report.imports.signed"), text(signed)),
    ]


def _live(one: Import) -> str:
    body = one.body
    if body.continues_in is None:
        return message("report.imports.live.none")
    source = one_line(body.continues_in, _LONG)
    if body.live_from is not None:
        return message("report.imports.live.from", source=source, at=body.live_from)
    if one.first_live is not None:
        return message("report.imports.live.run", source=source, entry=one.first_live[0], at=one.first_live[1])
    return message("report.imports.live.not", source=source)


def _entries(data: ReportData, one: Import, last: Import) -> str:
    places = [one.begun, one.ended, last.begun, last.ended, last.stated]
    return ", ".join(f"{data.origin}#{at}" for at in sorted({at for at in places if at is not None}))
