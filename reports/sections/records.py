"""The records: a block for each where there are few, a table where there are many; long texts always get a block."""

from collections.abc import Iterable, Iterator
from typing import Final

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Paragraph

from ledger.core.clock import parse_utc
from ledger.core.hashing import b64
from ledger.core.looks import looked
from ledger.core.record import Change, Record, RecordBody
from ledger.core.times import SourceTime
from ledger.present.belonging import why_text
from ledger.present.inert import inert
from ledger.present.messages import message, number
from ledger.present.sentences import actor_text, object_text, record_sentence
from ledger.present.times import duration
from ledger.present.values import change_pieces, plain, value_text
from reports.fonts import MONO, SANS, marked_up
from reports.lines import OriginalState, RecordLine
from reports.marks import Marks
from reports.sections.marks import words
from reports.style import (
    CELL,
    CELL_QUIET,
    QUIET,
    SENTENCE,
    SMALL,
    code,
    facts,
    grid,
    piece_markup,
    pieces,
    rule,
    space,
    text,
)
from reports.tables import Row
from reports.times import Zone

CHUNK: Final = 500
"""Rows of one table: a longer one costs the square of its length."""
LONG_FORM: Final = 60
"""Up to so many records each has a block of its own."""
_CELL_TEXT: Final = 600
"""Characters of a record that a table row holds; a longer one is drawn as a block, so nothing is cut."""


def records(
    rows: Iterable[tuple[Row, bool]], count: int, zone: Zone, width: float, marks: Marks
) -> Iterator[list[Flowable]]:
    """The records in time order, in pieces that can be drawn one after another; `marks`: what is said beside them."""
    if count <= LONG_FORM:
        for one, unclear in rows:
            yield block(one, unclear, zone, width, marks)
        return
    table: list[list[Flowable | list[Flowable]]] = []
    for one, unclear in rows:
        if _length(one.body.record) > _CELL_TEXT:
            if table:
                yield [_table(table, width)]
                table = []
            yield block(one, unclear, zone, width, marks)
            continue
        table.append(_short(one, unclear, zone, marks))
        if len(table) == CHUNK:
            yield [_table(table, width)]
            table = []
    if table:
        yield [_table(table, width)]


def block(one: Row, unclear: bool, zone: Zone, width: float, marks: Marks) -> list[Flowable]:
    """One record in full: the sentence, every value, reason, times, where it belongs, and its hashes."""
    record = one.body.record
    when = _when(record.occurred_at, zone) + (f"   {message('report.unclear')}" if unclear else "")
    found: list[Flowable] = [
        CondPageBreak(45 * mm),
        rule(),
        Paragraph(
            f'<font name="{MONO}">#{one.line.index}</font>   {marked_up(when, SANS)}',
            QUIET,
        ),
        pieces(record_sentence(record), SENTENCE),
    ]
    found += [paragraph for change in record.changes for paragraph in _change(change, zone)]
    found.append(_labelled(message("report.reason"), _reason(record)))
    if one.line.why is not None:
        says = why_text(one.line.basis, one.line.why, looked(one.body), zone.full, zone.local)
        found.append(text(says, SMALL))
    if one.line.imported is not None:
        found.append(text(message("report.record.imported", address=one.line.imported), SMALL))
    if one.line.mark is not None:
        found.append(text(message("report.record.marked"), SMALL))
    found += [text(said, SMALL) for said in words(marks, one.line.index)]
    found += [space(2), facts([*_times(one.body, one.leaf.logged_at, zone), *_details(one)], width), space(6)]
    return found


def _short(one: Row, unclear: bool, zone: Zone, marks: Marks) -> list[Flowable | list[Flowable]]:
    record = one.body.record
    claim = zone.claim(record.occurred_at)
    when: list[Flowable] = [text(claim[0] if claim else message("report.untimed"), CELL)]
    if claim and not zone.is_utc:
        same_day = claim[0][:10] == claim[1][:10]
        when.append(text(claim[1][11:] if same_day and len(claim[1]) > 14 else claim[1], CELL_QUIET))
    when.append(text(f"#{number(one.line.index)}" + ("  ≈" if unclear else ""), CELL_QUIET))
    what: list[Flowable] = [text(object_text(record), CELL), text(message(f"action.{record.action.value}"), CELL_QUIET)]
    if record.outcome.value != "success":
        what.append(text(message(f"outcome.{record.outcome.value}"), CELL))
    changes: list[Flowable] = []
    for change in record.changes:
        changes.append(_change_line(change))
        changes += [text(note, CELL_QUIET) for note in _change_notes(change, zone)]
    basis: list[Flowable] = [text(inert(record.source), CELL), text(_basis(one.line), CELL_QUIET)]
    if one.line.imported is not None:
        basis.append(text(message("report.record.imported.short"), CELL))
    if one.line.mark is not None:
        basis.append(text(message("report.record.marked.short"), CELL))
    basis += [text(said, CELL) for said in words(marks, one.line.index)]
    return [when, [text(actor_text(record), CELL)], what, changes, [text(_reason(record), CELL)], basis]


def _table(rows: list[list[Flowable | list[Flowable]]], width: float) -> Flowable:
    names = ("when", "who", "what", "change", "reason", "basis")
    fixed = [36 * mm, 20 * mm, 31 * mm, 0.0, 26 * mm, 20 * mm]
    fixed[3] = width - sum(fixed)
    return grid([message(f"report.col.{name}") for name in names], rows, fixed)


def _length(record: Record) -> int:
    """Characters that the widest cell of the record's row would hold."""
    changes = sum(len(change.attribute) + len(plain(change_pieces(change))) + 20 for change in record.changes)
    return max(changes, 2 * len(_reason(record)), 2 * len(object_text(record)), 2 * len(actor_text(record)))


def _change(change: Change, zone: Zone) -> list[Flowable]:
    return [_change_line(change), *(text(note, CELL_QUIET) for note in _change_notes(change, zone))]


def _change_line(change: Change) -> Paragraph:
    name = marked_up(inert(change.attribute), SANS)
    return Paragraph(f"{name}:  {piece_markup(change_pieces(change), SANS)}", SMALL)


def _change_notes(change: Change, zone: Zone) -> list[str]:
    notes = []
    if change.inferred is not None:
        notes.append(
            message(
                "report.change.inferred",
                after=zone.local(parse_utc(change.inferred.after)),
                before=zone.local(parse_utc(change.inferred.before)),
            )
        )
    if change.gap:
        notes.append(message("report.change.gap"))
    return notes


def _labelled(label: str, words: str) -> Paragraph:
    return Paragraph(f"{marked_up(label)}:  {marked_up(words)}", SMALL)


def _reason(record: Record) -> str:
    return message("report.no_reason") if record.reason is None else value_text(record.reason)[0]


def _basis(line: RecordLine) -> str:
    edge = line.basis == "derived" and line.why is not None and not line.why.certain
    return message("report.basis.edge" if edge else f"report.basis.{line.basis}")


def _when(time: SourceTime, zone: Zone) -> str:
    claim = zone.claim(time)
    if claim is None:
        return message("report.untimed")
    return claim[1] if zone.is_utc else f"{claim[0]}  ({claim[1]})"


def _times(body: RecordBody, logged_at: str, zone: Zone) -> list[tuple[str, Flowable | list[Flowable]]]:
    record = body.record
    recorded = record.source_recorded_at
    occurred: list[Flowable] = [
        text(_when(record.occurred_at, zone), SMALL),
        text(
            f"{message('report.time.text', text=inert(record.occurred_at.text))}; "
            f"{message(f'zone.{record.occurred_at.basis.value}')}",
            CELL_QUIET,
        ),
    ]
    found: list[tuple[str, Flowable | list[Flowable]]] = [(message("report.time.occurred"), occurred)]
    received: list[Flowable] = [text(zone.text(body.received_at), SMALL)]
    if recorded is not None:
        found.append((message("report.time.recorded"), text(_when(recorded, zone), SMALL)))
        if recorded.instant_us is not None:
            late = parse_utc(body.received_at) - recorded.instant_us
            received.append(text(message("report.time.exposure", duration=duration(late)), CELL_QUIET))
    found += [
        (message("report.time.received"), received),
        (message("report.time.logged"), text(zone.text(logged_at), SMALL)),
        (message("report.clock"), text(_clock(body, zone), SMALL)),
    ]
    return found


def _clock(body: RecordBody, zone: Zone) -> str:
    clock = body.clock
    if clock is None:
        return message("report.clock.none")
    return message(
        "report.clock.measured",
        offset=duration(clock.offset_us),
        uncertainty=duration(clock.uncertainty_us),
        at=zone.text(clock.measured_at),
        method=inert(clock.method),
    )


def _details(one: Row) -> list[tuple[str, Flowable | list[Flowable]]]:
    record, actor, target = one.body.record, one.body.record.actor, one.body.record.object
    who = [actor.account, actor.role, actor.on_behalf_of, actor.auth, actor.channel, actor.workstation, actor.session]
    name = None if actor.name is None else value_text(actor.name)[0]
    named = [part for part in (name, *(inert(part) for part in who if part is not None)) if part]
    title = f", {value_text(target.name)[0]}" if target.name is not None else ""
    links = "; ".join(
        f"{message(f'link.{link.kind.value}')} {inert(link.id)} ({message(f'basis.{link.basis.value}')})"
        for link in record.links
    )
    return [
        (message("report.source"), text(f"{inert(record.source)}  {inert(record.source_record_id)}", SMALL)),
        (
            message("report.outcome"),
            text(f"{message(f'action.{record.action.value}')}, {message(f'outcome.{record.outcome.value}')}", SMALL),
        ),
        (message("report.actor"), text(", ".join([message(f"actor.{actor.kind.value}"), *named]), SMALL)),
        (message("report.object"), text(f"{inert(target.type)} {inert(target.id)}{title}", SMALL)),
        (message("report.links"), text(links or "–", SMALL)),
        (message("report.original"), _original(one)),
        (message("report.leaf"), code(b64(one.leaf_hash))),
        (message("report.commitment"), code(one.leaf.body)),
    ]


def _original(one: Row) -> Flowable:
    original = one.body.original
    if original is None or one.line.original is OriginalState.NONE:
        return text(message("report.original.none"), SMALL)
    return text(
        message(
            "report.original.said",
            media=inert(original.media_type),
            size=original.size,
            parser=inert(original.parser),
            version=inert(original.parser_version),
            state=message(f"report.original.{one.line.original.value}"),
        ),
        SMALL,
    )
