"""`trailseal trace`, `orphans`: what belongs to a batch, and what belongs to none."""

from typing import Annotated, Final

import typer

from ledger.cli.instants import interval_us
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.reading import reading_as_of
from ledger.cli.searching import PurposeOption, mark_lines, told
from ledger.cli.source_complete import From, SizeOption, To, ZoneOption
from ledger.core.clock import utc_text
from ledger.core.record import LinkKind
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.imports import archives
from ledger.store.as_of import as_of
from ledger.store.question import Query
from ledger.trace.genealogy import MAX_DEPTH, outward
from ledger.trace.lanes import Timeline, timeline
from ledger.trace.orphans import Neighbour, orphans
from ledger.trace.partners import Partner, Partners, partners
from ledger.trace.selection import ByBatch, Chosen

MILLISECOND_US: Final = 1_000


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("trace")(trace)
    app.command("orphans")(no_batch)


def trace(
    ledger: LedgerOption,
    kind: Annotated[LinkKind, typer.Argument(help="What the id names.")],
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id itself.")],
    depth: Annotated[
        int, typer.Option(min=0, max=MAX_DEPTH, help="Steps outward over links, to what it hangs together with.")
    ] = 0,
    as_timeline: Annotated[
        bool, typer.Option("--timeline", help="In the order of time, with what the systems' time is not known of.")
    ] = False,
    size: SizeOption = None,
    purpose: PurposeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """All records of a batch, order or lot: those that name it, and those that an interval puts into it.

    Derived: it happened while the batch had the equipment, or in the time before and after that a rule adds. Possible:
    it happened between two looks at a polled source, and only a part of the time between them lies in that interval.
    Then what other systems are expected to tell of a batch, and whether it is there.
    """
    with opened(ledger) as service:
        chosen, authority = service.log(log), local(service)
        with service.store.reader(chosen.number) as reader:
            query = Query(link_kind=kind, link_id=id_)
            allowed = service.look_ups.allow(reader.connection, chosen.number, query, authority.actor, purpose)
            at_size, connection = as_of(reader, chosen, size), reader.connection
            selected = Chosen(connection, chosen.number, at_size, ByBatch(kind=kind, id=id_))
            old = archives(connection, chosen.number)
            lines = [(member, *told(service, reader, member.index, old)) for member in selected]
            marks = marks_of(connection, chosen, [member.index for member, *_ in lines], at_size)
            found = Partners(rule=None, partners=())
            if kind is LinkKind.BATCH:
                found = partners(connection, service.store.kinds, chosen.number, at_size, selected.named())
            graph = outward(connection, chosen.number, at_size, kind, id_, depth) if depth else None
            lanes = None
            if as_timeline:
                expected = [one.wanted.source for one in found.partners]
                of = (member for member, _, _ in lines)
                lanes = timeline(connection, service.store.kinds, chosen.number, at_size, of, expected)
        if allowed is not None:
            service.look_ups.enter(allowed, chosen.name, len(lines), authority.actor, authority)
    if as_json:
        members = [
            {"member": member, "sentence": line, "imported": imported, "marks": marks.get(member.index)}
            for member, line, imported in lines
        ]
        say_json({"size": at_size, "members": members, "expected": found, "graph": graph, "timeline": lanes})
        return
    if lanes is None:
        for member, line, _ in lines:
            say(f"{member.index:>9}  {member.basis.value:8} {line}")
            for under in mark_lines(marks.get(member.index)):
                say(f"{'':>20}{under}")
    else:
        _say_timeline(lanes, {member.index: line for member, line, _ in lines}, marks)
    for one in found.partners:
        say(_partner(one))
    for node in () if graph is None else graph.nodes:
        say(f"{node.steps:>9}  {node.kind.value:14} {node.id}: {node.records} records of {', '.join(node.sources)}")
    if graph is not None and graph.cut:
        say("More records hang together than are read at once: the list is cut.")
    say(f"{len(lines)} records, as of size {at_size}.")


def no_batch(
    ledger: LedgerOption,
    since: From,
    until: To,
    zone: ZoneOption = None,
    size: SizeOption = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What critical equipment (by the asset map) did that belongs to no batch. With --json a line for each."""
    low, high = interval_us(since, until, zone)
    shown, after = 0, None
    with reading_as_of(ledger, log, size) as (service, chosen, reader, at_size):
        number, old = chosen.log.number, archives(reader.connection, chosen.log.number)
        while True:
            page = orphans(reader.connection, number, at_size, low, high, after)
            shown, after = shown + len(page.orphans), page.next_after
            for one in page.orphans:
                sentence, _ = told(service, reader, one.index, old)
                if as_json:
                    say_json({"orphan": one, "sentence": sentence})
                    continue
                say(f"{one.index:>9}  {utc_text(one.at_us)}  {one.equipment}  {sentence}")
                say(f"           before: {_neighbour(one.before)}; after: {_neighbour(one.after)}")
            if after is None:
                break
    if not as_json:
        say(f"{shown} records of critical equipment are in no batch, as of size {at_size}.")


def _say_timeline(found: Timeline, lines: dict[int, str], told: dict[int, Marks]) -> None:
    """A line a record in the order of time, then those that nothing places, then what is not known of each system."""
    marks = {mark.index: (lane.source, mark) for lane in found.lanes for mark in lane.marks}
    for index in found.order:
        source, mark = marks[index]
        when = utc_text(mark.low_us)
        if mark.high_us - mark.low_us >= MILLISECOND_US:
            when = f"{when} to {utc_text(mark.high_us)}"
        say(f"{when}  {source}  {index}  {mark.basis.value}  {lines[index]}")
        for under in mark_lines(told.get(index)):
            say(f"    {under}")
        if mark.cannot_order is not None:
            say(f"    cannot be ordered against entry {mark.cannot_order}")
    for index in found.undated:
        say(f"names no time  {index}  {lines[index]}")
    for lane in found.lanes:
        for gap in lane.gaps:
            reason = f": {gap.reason}" if gap.reason else ""
            say(f"{lane.source} from {utc_text(gap.low_us)} to {utc_text(gap.high_us)}: {gap.state.value}{reason}")
    if found.cut:
        say("More records belong to it than one timeline holds: these are the first.")


def _partner(one: Partner) -> str:
    wanted = one.wanted
    what = f"{wanted.object_type} {wanted.action.value}" if wanted.action is not None else wanted.object_type
    line = f"{wanted.step}: {one.state.value} ({len(one.records)} of {wanted.least} {what} records of {wanted.source})"
    if one.unknown is None:
        return line
    return f"{line}; its time from {utc_text(one.unknown.low_us)} on is {one.unknown.state.value}"


def _neighbour(one: Neighbour | None) -> str:
    return "no batch" if one is None else f"{one.batch} (entry {one.entry})"
