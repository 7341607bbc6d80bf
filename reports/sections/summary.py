"""The cover: the verdict in four lines, each with what it does not prove, then what this package is."""

from collections.abc import Sequence
from typing import Final

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Table, TableStyle

from ledger.core.hashing import b64
from ledger.core.witness_policy import Quorum
from ledger.present.inert import inert, one_line
from ledger.present.messages import message, number
from ledger.present.states import State
from ledger.present.times import duration
from ledger.present.values import grouped
from reports.dataset import Coverage, ReportData
from reports.fonts import BOLD, SANS, marked_up
from reports.imports import final
from reports.keys import fingerprint
from reports.origins import Import
from reports.sections.scope import selection_text
from reports.sections.verification import ledger_says
from reports.style import (
    BASE,
    CELL,
    CELL_QUIET,
    FIGURE,
    H2,
    QUIET,
    RULE,
    SUBTITLE,
    TITLE,
    code,
    facts,
    grid,
    state_markup,
    text,
)
from reports.times import Zone

Line = tuple[State, str, str]
"""A line of the verdict: its state, what is said, and what is not proven by it."""
_LONG: Final = 500
_TITLES: Final = ("report.unchanged.title", "report.complete.title", "report.order.title", "report.existed.title")
_EXPOSED: Final = 6
"""Sources of which the first page shows the window; all of them stand under Coverage."""


def summary(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """The first page: title, short identity, verdict, what it rests on, exposure windows."""
    by = message("report.asked", by=asked_by(data))
    why = message("report.asked.why", why=one_line(data.asked.why, _LONG)) if data.asked.why else ""
    return [
        text(message("report.title"), TITLE),
        text(selection_text(data.selection), SUBTITLE),
        text(f"{by} {why}".rstrip(), QUIET),
        _short(data, width),
        text(message("report.verdict"), H2),
        _states(verdict(data, zone), width, _TITLES),
        text(message("report.rests"), H2),
        _states(rests(data), width),
        KeepTogether([text(message("report.exposure"), H2), *_exposure(data, width)]),
    ]


def asked_by(data: ReportData) -> str:
    """Who asked for the package; that they are not known for certain is said."""
    by = one_line(data.asked.by, _LONG)
    if not by:
        return message("report.asked.untold")
    return by if data.asked.authenticated else message("report.asked.unknown", actor=by)


def verdict(data: ReportData, zone: Zone) -> list[Line]:
    """The four lines: unchanged, complete, in this order, by this date."""
    totals = data.totals
    return [
        (
            State.HOLDS,
            message("report.unchanged", records=totals.records, origin=data.origin, size=data.size),
            message("report.unchanged.not"),
        ),
        _complete(data),
        (State.HOLDS, message("report.order", size=data.size), message("report.order.not")),
        _existed(data, zone),
    ]


def rests(data: ReportData) -> list[Line]:
    """What stands behind the verdict: the whole ledger's last verification, and whose word it is."""
    return [
        (data.verification_state, ledger_says(data), message("report.ledger.not")),
        (State.UNKNOWN, f"{message('report.origin')} {_witnessed(data)}", _origin_not(data)),
    ]


def _complete(data: ReportData) -> Line:
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
    complete = message(
        f"report.complete.{_completeness(data)}",
        what=selection_text(data.selection),
        size=data.size,
        runs=data.runs,
        records=totals.records,
    )
    if open_points:
        complete += " " + message("report.complete.open", what="; ".join(open_points))
    return State.UNKNOWN if open_points else State.HOLDS, complete, message("report.complete.not")


def _completeness(data: ReportData) -> str:
    """Whether it is a statement or a proof: the chain proves it where all that a source's runs hold is here."""
    if data.selection["by"] == "batch":
        return "batch"
    whole = data.runs and sum(one.records for one in data.coverage) == data.totals.records
    return "proof" if whole and len(data.coverage) == 1 else "search"


def _existed(data: ReportData, zone: Zone) -> Line:
    """By when the records were there, by the word of time-stamp authorities; else by the log's clock alone."""
    dating, records = data.dating, data.totals.records
    if dating.by_us is not None and dating.dated:
        says = message(
            "report.existed",
            dated=dating.dated,
            records=records,
            at=zone.full(dating.by_us),
            names=", ".join(one_line(name, _LONG) for name in dating.tsas),
        )
        return State.HOLDS if dating.dated == records else State.UNKNOWN, says, message("report.existed.not")
    if data.totals.logged_high_us is None:
        return State.UNKNOWN, message("report.existed.nothing"), message("report.existed.log.not")
    says = message("report.existed.log", at=zone.full(data.totals.logged_high_us))
    return State.UNKNOWN, says, message("report.existed.log.not")


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


def _states(lines: Sequence[Line], width: float, titles: Sequence[str] = ()) -> Table:
    rows = []
    for at, (state, says, what) in enumerate(lines):
        claim = f"<b>{marked_up(message(titles[at]), BOLD)}</b> " if titles else ""
        row = [Paragraph(claim + marked_up(says), BASE), text(message("report.not", what=what), QUIET)]
        rows.append([Paragraph(state_markup(state), BASE), row])
    table = Table(rows, colWidths=[39 * mm, width - 39 * mm])
    table.setStyle(
        TableStyle(
            [
                ("FONTNAME", (0, 0), (-1, -1), SANS),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("LINEABOVE", (0, 0), (-1, -1), 0.6, RULE),
                ("LINEBELOW", (0, -1), (-1, -1), 0.6, RULE),
            ]
        )
    )
    return table


def _exposure(data: ReportData, width: float) -> list[Flowable]:
    """Of each source that gave records, how long they were in its hands alone; the longest first."""
    given = sorted((one for one in data.coverage if one.selected), key=_exposed, reverse=True)
    if not given:
        return [text(message("report.exposure.none"), QUIET)]
    rows = []
    for one in given[:_EXPOSED]:
        rest = one.selected - one.exposed
        window = message("report.exposure.window", low=duration(one.exposed_low_us), high=duration(one.exposed_high_us))
        rows.append(
            [
                code(inert(one.source)),
                text(number(one.selected), FIGURE),
                text(window if one.exposed else message("report.exposure.untold"), CELL),
                text(message("report.exposure.rest", count=rest) if rest and one.exposed else "", CELL_QUIET),
            ]
        )
    head = [message(f"report.col.{name}") for name in ("source", "selected", "exposure", "unexposed")]
    widths = [48 * mm, 22 * mm, (width - 70 * mm) / 2, (width - 70 * mm) / 2]
    found: list[Flowable] = [text(message("report.exposure.lead"), QUIET), grid(head, rows, widths, figures=(1,))]
    if len(given) > _EXPOSED:
        found.append(text(message("report.exposure.more", count=len(given) - _EXPOSED), QUIET))
    return found


def _exposed(one: Coverage) -> tuple[bool, int]:
    """What is not known is the widest window."""
    return one.exposed < one.selected, one.exposed_high_us


def _short(data: ReportData, width: float) -> Table:
    """What is compared by eye; all else of the identity is in the running header, and overleaf."""
    return facts([(message("report.fingerprint"), code(fingerprint(data.log_key)))], width, 48 * mm)


def identity(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """The package, its log and keys in full."""
    return [text(message("report.identity"), H2), _identity(data, zone, width)]


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
