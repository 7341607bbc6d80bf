"""The chain of custody up to issue, and the certificate of a true copy."""

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer, Table, TableStyle

from ledger.present.inert import one_line
from ledger.present.messages import message
from reports.dataset import ReportData
from reports.fonts import SANS
from reports.sections.summary import asked_by
from reports.sections.verification import ledger_says
from reports.style import CELL, H2, INK, QUIET, code, facts, grid, text
from reports.times import Zone

_LONG = 300
_HANDS = 3
"""Empty rows for those who are handed the package on."""


def custody(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """Each hand that the records went through, with what shows it; then rows for the hands to come."""
    rows = [
        [
            text(message(f"report.custody.{name}"), CELL),
            [text(line, CELL) for line in when],
            text(who, CELL),
            code(shown),
        ]
        for name, when, who, shown in _steps(data, zone)
    ]
    head = [message(f"report.col.{name}") for name in ("step", "when", "by", "shown")]
    widths = [32 * mm, 56 * mm, width - 124 * mm, 36 * mm]
    return [
        text(message("report.custody.lead"), QUIET),
        grid(head, rows, widths),
        CondPageBreak(45 * mm),
        text(message("report.custody.hands"), H2),
        text(message("report.custody.hands.lead"), QUIET),
        _blanks([message(f"report.hands.{name}") for name in ("when", "from", "to", "why", "signature")], width),
    ]


def _steps(data: ReportData, zone: Zone) -> list[tuple[str, list[str], str, str]]:
    totals, none = data.totals, [message("report.custody.none")]
    runs = [one for one in data.coverage if one.first_started and one.last_ended]
    collected = none
    if runs:
        collected = [zone.text(min(one.first_started or "" for one in runs)), "–",
                     zone.text(max(one.last_ended or "" for one in runs))]  # fmt: skip
    logged = none
    if totals.logged_low_us is not None and totals.logged_high_us is not None:
        logged = [zone.full(totals.logged_low_us), "–", zone.full(totals.logged_high_us)]
    sources = ", ".join(one_line(one.source, _LONG) for one in data.coverage if one.selected) or none[0]
    made = [zone.full(data.gathered_us)]
    dated = none if data.dating.by_us is None else [zone.full(data.dating.by_us)]
    names = ", ".join(map(one_line, (*data.witnessed.names, *data.dating.tsas))) or none[0]
    return [
        ("collected", collected, message("report.custody.sources", names=sources), "entries.jsonl, runs.jsonl"),
        ("logged", logged, data.origin, "records.jsonl"),
        ("checked", [ledger_says(data)], data.product, "entries.jsonl"),
        ("seen", dated, names, "checkpoint, timestamps.jsonl"),
        ("made", made, message("report.custody.made.by", product=data.product, who=asked_by(data)), "package.json"),
        ("sealed", made, data.report_key, "seal.note"),
    ]


def true_copy(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """What was compared, how, by what, when; and, as nobody has recorded that the process is validated, a signature."""
    totals = data.totals
    compared = [
        text(message("report.copy.bodies", records=totals.records)),
        text(message("report.copy.originals", originals=totals.originals, withheld=totals.originals_withheld)),
        text(message("report.copy.tables")),
    ]
    rows: list[tuple[str, Flowable | list[Flowable]]] = [
        (message("report.copy.of"), text(message("report.copy.of.says", records=totals.records, origin=data.origin))),
        (message("report.copy.compared"), compared),
        (message("report.copy.how"), text(message("report.copy.how.says"))),
        (message("report.copy.by"), text(data.product)),
        (message("report.copy.when"), text(zone.full(data.gathered_us))),
        (message("report.copy.keeps"), text(message("report.copy.keeps.says"))),
        (message("report.copy.lacks"), text(_lacks(data))),
    ]
    return [
        text(message("report.copy.lead")),
        facts(rows, width),
        Spacer(1, 8),
        text(message("report.copy.sign")),
        _blanks([message(f"report.sign.{name}") for name in ("name", "role", "when", "signature")], width, 1),
    ]


def _lacks(data: ReportData) -> str:
    """What the copy does not give of what was logged."""
    parts = []
    if data.totals.sealed and not data.disclosed:
        parts.append(message("report.copy.withheld", count=data.totals.sealed))
    if data.totals.originals_withheld:
        parts.append(message("report.copy.originals.withheld", count=data.totals.originals_withheld))
    return "; ".join(parts) or message("report.copy.whole")


def _blanks(head: list[str], width: float, rows: int = _HANDS) -> Table:
    """Empty rows to be filled in by hand."""
    cells = [[text(name, QUIET) for name in head], *([""] * len(head) for _ in range(rows))]
    table = Table(cells, colWidths=[width / len(head)] * len(head), rowHeights=[14, *[24] * rows])
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), SANS),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("LINEBELOW", (0, 1), (-1, -1), 0.6, INK),
            ]
        )
    )
    return table
