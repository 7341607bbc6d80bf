"""The sources' lives as far as they explain the records: validated, changed, to be validated anew; what each lacks."""

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from ledger.present.inert import one_line
from ledger.present.messages import message, number
from ledger.sources.statement import Statement
from reports.dataset import ReportData
from reports.origins import LifeBody
from reports.style import CELL, CELL_QUIET, H2, HEAD, QUIET, grid, text

_LONG = 2000
_SAMPLE = 20
_LISTED = 200
"""Events of a source that the report lists, the last ones; all of them stand in `entries.jsonl`."""


def sources(data: ReportData, width: float) -> list[Flowable]:
    """Where each source stood and stands, and what its own trail lacks."""
    found: list[Flowable] = [text(message("report.sources.lead"), QUIET)]
    for one in data.coverage:
        if one.selected or one.source in data.origins.lives:
            marked = data.origins.marked.get(one.source, 0)
            found += [
                CondPageBreak(40 * mm),
                text(f"{one_line(one.source, _LONG)}  {one_line(one.title, _LONG)}", HEAD),
            ]
            found.append(text(message("report.sources.marked" if marked else "report.sources.unmarked", count=marked)))
            found += _lives(data.origins.lives.get(one.source, []), width)
    if data.statements:
        lead = message("report.sources.statements.lead")
        found += [text(message("report.sources.statements"), H2), text(lead, QUIET)]
    for statement in data.statements:
        found += _statement(statement)
    return found


def _lives(lives: list[tuple[int, LifeBody]], width: float) -> list[Flowable]:
    if not lives:
        return [text(message("report.sources.connected"))]
    rows = []
    for index, body in lives[-_LISTED:]:
        reason: list[Flowable] = [text(one_line(body.reason, _LONG), CELL)]
        if body.sample:
            named = ", ".join(map(str, body.sample[:_SAMPLE])) + (" …" if len(body.sample) > _SAMPLE else "")
            says = message("report.sources.sample", count=number(len(body.sample)), entries=named)
            reason.append(text(says, CELL_QUIET))
        rows.append(
            [
                text(f"#{index}", CELL),
                text(one_line(body.event, _LONG), CELL),
                text(one_line(body.state, _LONG), CELL),
                reason,
                text(one_line(body.authority.actor, _LONG), CELL),
            ]
        )
    head = [message(f"report.sources.col.{name}") for name in ("entry", "event", "state", "reason", "by")]
    fixed = [18 * mm, 28 * mm, 28 * mm, 0.0, 34 * mm]
    fixed[3] = width - sum(fixed)
    found: list[Flowable] = [grid(head, rows, fixed)]
    if len(lives) > _LISTED:
        found.append(text(message("report.sources.more", count=len(lives) - _LISTED), QUIET))
    return found


def _statement(one: Statement) -> list[Flowable]:
    found: list[Flowable] = [CondPageBreak(40 * mm), text(f"{one_line(one.source, _LONG)}  {one.type}", HEAD)]
    for name, lines in (("lacks", one.lacks), ("adds", one.adds), ("open", one.open), ("imported", one.imported)):
        if lines or name == "lacks":
            said = "; ".join(one_line(line, _LONG) for line in lines) or message("report.sources.lacks.none")
            found.append(text(message(f"report.sources.{name}", says=said)))
    if one.challenge is not None:
        found.append(text(message("report.sources.challenge", outcome=one.challenge.state.value, at=one.challenge.due)))
    return found
