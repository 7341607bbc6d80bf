"""The cover: the verdict in four lines, each with what it does not prove, then what this package is."""

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Table, TableStyle

from ledger.core.hashing import b64
from ledger.core.witness_policy import Quorum
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.values import grouped
from reports.dataset import ReportData
from reports.fonts import SANS
from reports.imports import final
from reports.keys import fingerprint
from reports.origins import Import
from reports.sections.scope import selection_text
from reports.sections.verification import ledger_says
from reports.style import BASE, H2, QUIET, RULE, SUBTITLE, TITLE, code, facts, state_markup, text
from reports.times import Zone


def summary(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """Title, verdict, identity."""
    return [
        text(message("report.title"), TITLE),
        text(selection_text(data.selection), SUBTITLE),
        text(message("report.verdict"), H2),
        _verdict(data, width),
        KeepTogether([text(message("report.identity"), H2), _identity(data, zone, width)]),
    ]


def verdict(data: ReportData) -> list[tuple[State, str, str]]:
    """The four lines: state, what is said, and what is not proven by it."""
    totals = data.totals
    open_points = [
        message(f"report.open.{name}", count=count)
        for name, count in (
            ("unreachable", sum(one.unreachable_count for one in data.coverage)),
            ("gaps", sum(one.gaps_count for one in data.coverage)),
            ("undated", data.undated),
            ("unmatched", len(data.unmatched)),
            ("uncertain", totals.uncertain),
            ("possible", totals.possible),
            ("marked", sum(data.origins.marked.values())),
            ("copies", sum(1 for one in data.origins.imports if one.here and not _stated(data, one))),
        )
        if count
    ]
    if not data.runs:
        open_points.append(message("report.open.runs"))
    by_batch = data.selection["by"] == "batch"
    complete = message(
        "report.complete.batch" if by_batch else "report.complete.search",
        what=selection_text(data.selection),
        size=data.size,
        runs=data.runs,
    )
    if open_points:
        complete += " " + message("report.complete.open", what="; ".join(open_points))
    return [
        (
            State.HOLDS,
            message("report.unchanged", records=totals.records, origin=data.origin, size=data.size),
            message("report.unchanged.not"),
        ),
        (State.UNKNOWN if open_points else State.HOLDS, complete, message("report.complete.not")),
        (data.verification_state, ledger_says(data), message("report.ledger.not")),
        (State.UNKNOWN, f"{message('report.origin')} {_witnessed(data)}", _origin_not(data)),
    ]


def _witnessed(data: ReportData) -> str:
    said = data.witnessed
    if said.quorum is None:
        return message("report.witnessed.none")
    if said.quorum is Quorum.MET:
        return message("report.witnessed.met", names=", ".join(said.names))
    return message("report.witnessed.missing", missing=said.missing or message("report.witnessed.unasked"))


def _origin_not(data: ReportData) -> str:
    if not data.witnessed.shared:
        return message("report.origin.not")
    return message("report.origin.shared", shared="; ".join(data.witnessed.shared))


def _stated(data: ReportData, one: Import) -> bool:
    return final(data.origins, one).true_copy is not None


def _verdict(data: ReportData, width: float) -> Table:
    rows = [
        [Paragraph(state_markup(state), BASE), [text(says), text(message("report.not", what=what), QUIET)]]
        for state, says, what in verdict(data)
    ]
    table = Table(rows, colWidths=[39 * mm, width - 39 * mm])
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), SANS),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
                ("LINEABOVE", (0, 0), (-1, -1), 0.6, RULE),
                ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
            ]
        )
    )
    return table


def _identity(data: ReportData, zone: Zone, width: float) -> Table:
    return facts(
        [
            (message("report.package"), code(data.package)),
            (message("report.log"), code(data.origin)),
            (message("report.size"), text(message("report.number", value=data.size))),
            (message("report.root"), code(" ".join(grouped(data.root)))),
            (message("report.root64"), code(b64(data.root))),
            (
                message("report.fingerprint"),
                [code(fingerprint(data.log_key)), text(message("report.fingerprint.note"), QUIET)],
            ),
            (message("report.key"), code(data.log_key)),
            (message("report.report_key"), code(data.report_key)),
            (message("report.made"), text(zone.full(data.gathered_us))),
            (message("report.product"), text(data.product)),
        ],
        width,
    )
