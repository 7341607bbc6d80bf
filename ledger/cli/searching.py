"""`trailseal search`: questions about records, all of whose filters must hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ledger.cli.exporting import export as write
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.saved import kept as saved_one
from ledger.cli.saved import save as save_one
from ledger.core.address import LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import SchemaViolation
from ledger.core.record import Action, LinkKind, Outcome, RecordBody
from ledger.exporting import Wanted as Exported
from ledger.present.messages import message, number
from ledger.present.sentences import disposed_sentence, sentence_text
from ledger.present.times import site_zone
from ledger.present.values import plain
from ledger.present.windows import window_told
from ledger.privacy.look_up_kinds import Purpose
from ledger.service import Service
from ledger.sources.hand_marks import Marks, marks_of, marks_told
from ledger.sources.imports import archives
from ledger.sources.inventory import unknown
from ledger.sources.narrowing import Where, narrow
from ledger.store.as_of import checkpoint_of
from ledger.store.disposed import count_disposed, state_of
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import Query, check
from ledger.store.reading import LogReader
from ledger.store.search import MAX_PAGE, count
from ledger.store.wanted import Wanted
from ledger.trace.asking import bounds_of, link_of, links_of, windows_of
from reports.exports import Format

Limit = Annotated[int, typer.Option(help="How many at most.", min=1, max=MAX_PAGE)]

PurposeOption = Annotated[Purpose | None, typer.Option(help="What a search for a person is for.")]

Before = Annotated[int | None, typer.Option(help="Go on before this index: the next page.", min=0)]

_From = Annotated[str | None, typer.Option(help="Such as 2026-11-25T07:10:06Z, inclusive.")]
_To = Annotated[str | None, typer.Option(help="The same, exclusive.")]


class Beside(NamedTuple):
    """What an answer has besides: members of its JSON, and lines under a record's."""

    members: dict[str, Any]
    lines: dict[int, list[str]]


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("search")(find)


def find(
    ledger: LedgerOption,
    text: Annotated[str, typer.Argument(help="Words and ids that all occur in the record.")] = "",
    source: Annotated[str | None, typer.Option(help="Id of the source.")] = None,
    action: Annotated[Action | None, typer.Option(help="What was done.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="How it ended.")] = None,
    actor: Annotated[str | None, typer.Option(help="Account, as the source names it.")] = None,
    role: Annotated[str | None, typer.Option(help="Role in which it was done, as the source names it.")] = None,
    person: Annotated[str | None, typer.Option(help="Whose account it was, by the identity map.")] = None,
    workstation: Annotated[str | None, typer.Option(help="Where it was done from, as the source names it.")] = None,
    site: Annotated[str | None, typer.Option(help="Site in which the object stood, by the asset map.")] = None,
    area: Annotated[str | None, typer.Option(help="The same of its area.")] = None,
    line: Annotated[str | None, typer.Option(help="The same of its line.")] = None,
    unit: Annotated[str | None, typer.Option(help="The same of its unit.")] = None,
    equipment: Annotated[str | None, typer.Option(help="The same of its equipment.")] = None,
    object_type: Annotated[str | None, typer.Option(help="Type of the object, as its source has it.")] = None,
    object_id: Annotated[str | None, typer.Option(help="Id of the object.")] = None,
    attribute: Annotated[str | None, typer.Option(help="What of the object was changed.")] = None,
    reasoned: Annotated[bool | None, typer.Option(help="With a reason, or without one.")] = None,
    link: Annotated[list[str] | None, typer.Option(help="KIND:ID, such as batch:B-1; all that are given.")] = None,
    occurred_from: _From = None,
    occurred_to: _To = None,
    recorded_from: _From = None,
    recorded_to: _To = None,
    received_from: _From = None,
    received_to: _To = None,
    zone: Annotated[
        str | None, typer.Option(help="IANA zone of times without an offset, such as Europe/Berlin.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="As of this size of the log; now, if not given.", min=0)] = None,
    at_checkpoint: Annotated[bool, typer.Option(help="As of the newest checkpoint.")] = False,
    sort: Annotated[SortKey, typer.Option(help="What to put the records in the order of.")] = SortKey.INDEX,
    ascending: Annotated[bool, typer.Option(help="The least first.")] = False,
    after: Annotated[str | None, typer.Option(help="Go on where a page ended.")] = None,
    purpose: PurposeOption = None,
    before: Before = None,
    limit: Limit = 50,
    export: Annotated[Path | None, typer.Option(help="Write all that match to this file, instead of a page.")] = None,
    format_: Annotated[Format | None, typer.Option("--format", help="Its format, else by the file's name.")] = None,
    columns: Annotated[str | None, typer.Option(help="Its columns, as index,sentence; else those of the page.")] = None,
    save: Annotated[str | None, typer.Option(help="Save the search under this name; see trailseal saved.")] = None,
    shared: Annotated[bool, typer.Option("--shared", help="Saved for all who may read the log.")] = False,
    saved: Annotated[str | None, typer.Option(help="The saved search of this id or name, in place of filters.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Search the records, newest entry first, or in another order. A search for a person takes a purpose, and is
    entered.
    """
    read_in = None if zone is None else site_zone(zone)
    given = {
        "occurred_from": occurred_from,
        "occurred_to": occurred_to,
        "recorded_from": recorded_from,
        "recorded_to": recorded_to,
        "received_from": received_from,
        "received_to": received_to,
    }
    bounds: dict[str, Any] = {**bounds_of(given, read_in)}
    query = Query(
        text=text,
        source=source,
        action=action,
        outcome=outcome,
        actor=actor,
        role=role,
        workstation=workstation,
        object_type=object_type,
        object_id=object_id,
        attribute=attribute,
        reasoned=reasoned,
        links=links_of("--link", link or ()),
        **bounds,
    )
    check(query)
    order = Sort(by=sort, ascending=ascending)
    where = Where(person=person, site=site, area=area, line=line, unit=unit, equipment=equipment)
    if saved is not None:
        if query != Query() or where != Where():
            raise SchemaViolation(message("saved.beside"), advice=message("saved.beside.advice"))
        one = saved_one(ledger, log, saved)
        query, where, log, columns = one.query, one.where, one.log, columns or ",".join(one.columns) or None
        order = one.sort if order == Sort() else order
    if save is not None:
        save_one(ledger, log, save, shared, query, where, order, columns)
    if export is not None:
        if before is not None or after is not None:
            raise SchemaViolation(message("export.refused", name="--before, --after"), advice="Leave them out.")
        exported = Exported(
            query=query,
            where=where,
            size=size,
            at_checkpoint=at_checkpoint,
            sort=order,
            columns=columns,
            zone=read_in,
        )
        write(ledger, log, exported, purpose, export, format_, as_json)
        return
    wanted = Wanted(size, at_checkpoint, order, before, after, limit)
    answer(ledger, log, query, purpose, wanted, as_json, zone, where)


def answer(
    ledger: LedgerOption,
    log: str | None,
    query: Query,
    purpose: Purpose | None,
    wanted: Wanted,
    as_json: bool,
    zone: str | None = None,
    where: Where = Where(),  # noqa: B008 - frozen
    beside: "Callable[[Service, LogReader, LogId, int], Beside] | None" = None,
) -> None:
    """Answers a query at the terminal; `zone`: in which its windows are told, the site's if not given.

    `beside`: what is told besides, read in the same snapshot as of the size that it is given.
    """
    with opened(ledger) as service:
        chosen, authority = service.log(log), local(service)
        with service.store.reader(chosen.number) as reader:
            allowed = service.look_ups.allow(
                reader.connection, chosen.number, query, authority.actor, purpose, where.person
            )
            size = wanted.read_at(reader, chosen)
            question = narrow(reader.connection, chosen.number, size, query, where)
            page = wanted.page(reader, chosen, size, question)
            checkpoint = checkpoint_of(reader.connection, chosen, size)
            total = count(reader.connection, chosen.number, size, question)
            old = archives(reader.connection, chosen.number)
            lines = [(index, *told(service, reader, index, old)) for index in page.indices]
            marks = marks_of(reader.connection, chosen, page.indices, size)
            disposed = count_disposed(reader.connection, chosen.number)
            no_source = unknown(reader.connection, query.source)
            more = Beside({}, {}) if beside is None else beside(service, reader, chosen, size)
        windows = windows_of(query, site_zone(zone or service.settings.zone))
        if allowed is not None:
            service.look_ups.enter(allowed, chosen.name, len(lines), authority.actor, authority)
    if as_json:
        found = [
            {"index": index, "sentence": line, "imported": imported, "marks": marks.get(index)}
            for index, line, imported in lines
        ]
        say_json(
            {
                "size": size,
                "total": total,
                "next_before": page.next_before,
                "next_after": page.next_after,
                "checkpoint": checkpoint,
                "found": found,
                "disposed": disposed,
                "windows": windows,
                "unknown_source": no_source,
                **more.members,
            }
        )
        return
    for window in windows:
        say(window_told(window))
    if no_source is not None:
        say(message("search.unknown-source", source=no_source))
    for index, line, _ in lines:
        say(f"{index:>9}  {line}")
        for under in (*mark_lines(marks.get(index)), *more.lines.get(index, ())):
            say(f"{'':>11}{under}")
    say(f"{len(lines)} of {total} records, as of size {size}.")
    if checkpoint is not None:
        say(message("search.checkpoint", size=checkpoint.size, root=checkpoint.root))
        if size > checkpoint.size:
            say(message("search.beyond", count=number(size - checkpoint.size)))
    if disposed:
        say(message("search.disposed", count=number(disposed)))
    if page.next_before is not None:
        say(f"More: --before {page.next_before}")
    elif page.next_after is not None:
        say(f"More: --after {page.next_after}")


def mark_lines(marks: Marks | None) -> list[str]:
    """What is said under a record: entered by hand, corrected, excluded."""
    return [] if marks is None else [one.words for one in marks_told(marks)]


def told(service: Service, reader: LogReader, index: int, old: frozenset[str]) -> tuple[str, bool]:
    """An entry's sentence, and whether it is a record that was imported from one of these old audit trails."""
    stored = reader.entry(index)
    if stored.body is None:
        state, gone = state_of(reader.connection, reader.log, index, None)
        return f"{plain(disposed_sentence(None if gone is None else gone.entry))} ({state.value})", False
    body = service.store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
    imported = isinstance(body, RecordBody) and body.record.source in old
    return sentence_text(body) + " (imported)" * imported, imported


def link_option(text: str | None) -> tuple[LinkKind | None, str | None]:
    """What `--link KIND:ID` names, if it is given; raises SchemaViolation."""
    return (None, None) if text is None else link_of("--link", text)
