"""The scope: what was asked for, what answered it, over which time, and what is withheld."""

from collections.abc import Sequence
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable

from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.gone_records import Gone
from ledger.core.parameters import Occupation, ParameterName, read
from ledger.core.retention import BUILT_IN, RetentionClass
from ledger.present.inert import one_line
from ledger.present.messages import known, message, number
from ledger.present.retention import term_text
from ledger.present.times import duration
from ledger.sources.parameter_kinds import Parameter
from reports.dataset import ReportData
from reports.style import CELL, H2, QUIET, code, facts, grid, text
from reports.times import Zone


def scope(data: ReportData, zone: Zone, width: float) -> list[Flowable]:
    """The facts of the selection; for a batch, the occupation of equipment by which records are derived."""
    totals = data.totals
    rows: list[tuple[str, Flowable]] = [
        (message("report.selection"), text(selection_text(data.selection))),
        (message("report.selected"), text(_selected(data))),
    ]
    if totals.first_us is not None and totals.last_us is not None:
        period = message("report.period.from_to", first=zone.full(totals.first_us), last=zone.full(totals.last_us))
        rows.append((message("report.period"), text(period)))
    rows += [
        (
            message("report.actions"),
            text(
                ", ".join(f"{message(f'action.{name}')} {number(count)}" for name, count in data.actions.items()) or "–"
            ),
        ),
        (message("report.sealed"), text(_sealed(data))),
        (message("report.originals"), text(message("report.originals.count", count=totals.originals))),
        (message("report.reasons"), text(message("report.reasons.count", count=totals.unreasoned))),
        (message("report.inferred"), text(message("report.inferred.count", count=totals.inferred))),
    ]
    if data.gone.found or data.gone.elsewhere:
        rows.insert(2, (message("report.gone"), text(_gone(data))))
    found: list[Flowable] = [facts(rows, width)]
    if data.occupations:
        found += [
            CondPageBreak(50 * mm),
            text(message("report.occupations"), H2),
            text(message("report.occupations.lead"), QUIET),
            _occupations(data, zone, width),
            *(text(rule_text(index, body), QUIET) for index, body in sorted(data.occupation_rules.items())),
        ]
    return found


def selection_text(selection: dict[str, Any]) -> str:
    """What was asked for, in words: `batch B-1`, or the members of a query."""
    if selection["by"] == "batch":
        kind = selection["kind"]
        return message("report.selection.batch", kind=message(f"link.{kind}"), id=one_line(selection["id"]))
    query = {name: value for name, value in selection["query"].items() if value not in (None, "")}
    if not query:
        return message("report.selection.all")
    return ", ".join(
        f"{message(f'report.query.{name}')} {_member(name, value)}" for name, value in sorted(query.items())
    )


def _member(name: str, value: object) -> str:
    if name.endswith(("_from", "_to")) and isinstance(value, int):
        return utc_text(value)
    if isinstance(value, bool):
        return message("report.query.yes" if value else "report.query.no")
    if isinstance(value, list | tuple):
        return ", ".join(f"{message(f'link.{kind}')} “{one_line(str(id_))}”" for kind, id_ in value)
    key = f"{name.removeprefix('link_').replace('kind', 'link')}.{value}"
    return message(key) if known(key) else f"“{one_line(str(value))}”"


def _selected(data: ReportData) -> str:
    totals = data.totals
    if data.selection["by"] == "batch":
        says = message("report.selected.batch", records=totals.records, read=totals.read, derived=totals.derived)
        return f"{says}; {message('report.selected.possible', count=totals.possible)}" if totals.possible else says
    return number(totals.records)


def _gone(data: ReportData) -> str:
    """How many records of the scope were disposed of, under which entries and rules; and how many others went."""
    parts = [
        message(
            "report.gone.under",
            count=len(one.items),
            entry=one.entry,
            disposal=one_line(one.disposal),
            classes=", ".join(message(f"retention.class.{name}") for name in one.classes),
            rule=_rule(data, one),
            until=one.until[:10],
        )
        for one in data.gone.found
    ]
    if parts:
        parts.insert(0, message("report.gone.total", count=data.gone.total))
    if data.gone.elsewhere:
        parts.append(message("report.gone.elsewhere", count=data.gone.elsewhere))
    return " ".join(parts)


def _rule(data: ReportData, one: Gone) -> str:
    if not one.rules:
        terms = [term for name in one.classes for term in BUILT_IN.get(RetentionClass(name), ())]
        return message("report.gone.built-in", terms=", ".join(map(term_text, terms)))
    return "; ".join(
        message("report.gone.rule", entry=at, terms=", ".join(map(term_text, data.rules[at].terms))) for at in one.rules
    )


def _sealed(data: ReportData) -> str:
    totals = data.totals
    if not totals.sealed and not totals.signers_hidden:
        return message("report.sealed.none")
    if data.disclosed:
        says = message("report.sealed.disclosed", count=totals.sealed)
    else:
        says = message("report.sealed.withheld", count=totals.sealed, originals=totals.originals_withheld)
    if totals.signers_hidden:
        return f"{says}. {message('report.sealed.signers', count=totals.signers_hidden)}"
    return says


def _occupations(data: ReportData, zone: Zone, width: float) -> Flowable:
    head = [message(f"report.{name}") for name in ("equipment", "started", "stopped")]
    rows = []
    for one in data.occupations:
        start = [
            text(zone.full(one.start.span.low_us), CELL),
            text(message("report.entry", index=one.start.index), QUIET),
        ]
        if one.stop is None:
            stop = [text(message("report.still", size=data.size), CELL)]
        else:
            stop = [
                text(zone.full(one.stop.span.high_us), CELL),
                text(message("report.entry", index=one.stop.index), QUIET),
            ]
        rows.append([code(one.equipment), start, stop])
    return grid(head, rows, [44 * mm, (width - 44 * mm) / 2, (width - 44 * mm) / 2])


def rule_text(index: int, body: Parameter) -> str:
    """What a rule adds to an occupation before and after, in a sentence."""
    rule = read(ParameterName.OCCUPATION, body.value or "")
    assert isinstance(rule, Occupation)
    assets = message("report.rule.all") if body.type is None else message("report.rule.class", name=one_line(body.type))
    before = _reach("first", rule.before_types, rule.before_max_s, rule.lead_s)
    after = _reach("last", rule.after_types, rule.after_max_s, rule.tail_s)
    return message("report.rule", rule=index, assets=assets, before=before, after=after)


def _reach(end: str, types: Sequence[str], most_s: int, seconds: int) -> str:
    length = duration(seconds * MICROSECONDS)
    if not types:
        return length
    named = ", ".join(map(one_line, types))
    return message(f"report.rule.{end}", types=named, most=duration(most_s * MICROSECONDS), length=length)
