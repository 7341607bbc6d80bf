"""`trailseal history`: the versions of an object or of one of its fields, and what stood there at an instant."""

from collections.abc import Iterator
from typing import Annotated

import typer

from ledger.cli.instants import instant_us
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.searching import Before, Beside, Limit, PurposeOption, answer
from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.record import Change
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.values import LINE, change_pieces, plain, value_line
from ledger.privacy.look_up_kinds import Purpose
from ledger.service import Service
from ledger.sources.parameters import Parameters
from ledger.store.as_of import as_of
from ledger.store.changes import Thing
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.wanted import Wanted
from ledger.trace.history import Continuity, FieldStep, Version, versions
from ledger.trace.state import FieldState, ObjectState, sources_of, state_at


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("history")(history)


def history(
    ledger: LedgerOption,
    object_type: Annotated[str, typer.Argument(help="Type of the object, as its source has it.")],
    object_id: Annotated[str, typer.Argument(help="Id of the object.")],
    source: Annotated[str | None, typer.Option(help="Id of the source; all that have it, if not given.")] = None,
    attribute: Annotated[str | None, typer.Option(help="One of its fields alone.")] = None,
    at: Annotated[str | None, typer.Option(help="What stood in its fields at this instant, instead.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of an instant without offset.")] = None,
    size: Annotated[int | None, typer.Option(help="As of this size of the log; now, if not given.", min=0)] = None,
    purpose: PurposeOption = None,
    before: Before = None,
    limit: Limit = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """The history of one object, newest first: what each change replaced, what it follows, what was signed."""
    query = Query(source=source, object_type=object_type, object_id=object_id, attribute=attribute)
    if at is not None:
        _state(ledger, log, query, instant_us("--at", at, zone), size, purpose, as_json)
        return

    def beside(service: Service, reader: LogReader, chosen: LogId, read_at: int) -> Beside:
        page = versions(
            service.store, reader.connection, chosen, read_at, object_type, object_id,
            source=source, attribute=attribute, before=before, limit=limit,
        )  # fmt: skip
        return Beside({"versions": page.versions}, {one.index: list(_lines(one)) for one in page.versions})

    answer(ledger, log, query, purpose, Wanted(size=size, before=before, limit=limit), as_json, beside=beside)


def _state(
    ledger: LedgerOption,
    log: str | None,
    query: Query,
    at_us: int,
    size: int | None,
    purpose: Purpose | None,
    as_json: bool,
) -> None:
    type_, id_ = query.object_type or "", query.object_id or ""
    with opened(ledger) as service:
        chosen, authority = service.log(log), local(service)
        with service.store.reader(chosen.number) as reader:
            connection = reader.connection
            allowed = service.look_ups.allow(connection, chosen.number, query, authority.actor, purpose)
            read_at = as_of(reader, chosen, size)
            states = [
                state_at(connection, Parameters(service.store), chosen.number, read_at, Thing(name, type_, id_), at_us)
                for name in sources_of(connection, chosen.number, read_at, type_, id_)
                if query.source in (None, name)
            ]
        if allowed is not None:
            service.look_ups.enter(allowed, chosen.name, len(states), authority.actor, authority)
    if as_json:
        say_json({"size": read_at, "at": utc_text(at_us), "states": states})
        return
    for one in states:
        _say_state(one)
    say(message("object.state.read", at=utc_text(at_us), size=read_at))


def _say_state(one: ObjectState) -> None:
    exists = message(f"object.exists.{one.exists.value}")
    say(f"{one_line(one.source)}: {exists}")
    for field in one.fields:
        say(f"  {one_line(field.attribute)}: {_stood(field)}")
    if one.undated:
        say(f"  {message('object.undated', count=one.undated)}")


def _stood(field: FieldState) -> str:
    told = []
    for one in field.alternatives:
        since = message("object.before-all" if one.since is None else "object.since", index=one.since)
        told.append(f"{value_line(one.value, one.unit)} ({since})")
    return f" {message('object.or')} ".join(told) if told else message("value.unset")


def _lines(one: Version) -> Iterator[str]:
    for step in one.steps:
        yield _step(step)
    for signature in one.signatures:
        yield message(
            "object.signed",
            name=one_line(signature.name),
            meaning=one_line(signature.meaning),
            at=signature.signed_at,
            address=signature.address,
        )
    if one.corrected_by is not None:
        yield message("object.corrected", index=one.corrected_by)


def _step(step: FieldStep) -> str:
    change = Change(attribute=step.attribute, old=step.old, new=step.new, unit=step.unit)
    told = f"{one_line(step.attribute)}: {one_line(plain(change_pieces(change)), LINE)}"
    if step.continuity is Continuity.BROKEN:
        told += f"  ▲ {message('object.broken', index=step.previous, value=value_line(step.expected, step.unit))}"
    elif step.continuity is Continuity.CANNOT_TELL:
        told += f"  ○ {message('object.cannot-tell')}"
    if step.after_signature is not None:
        told += f"  ▲ {message('object.after-signature', address=step.after_signature)}"
    return told
