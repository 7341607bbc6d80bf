"""`trailseal hand`: what no system records, entered by somebody who signs in for it, and checked by a second person."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.cli.sign import Account, acting
from ledger.core.errors import AccessDenied, ConfigError
from ledger.core.record import Action, Change, Link, LinkBasis, LinkKind, Outcome, Target
from ledger.core.times import parse_source_time
from ledger.people.access import Caller, Scope
from ledger.present.messages import message
from ledger.record_log import RecordLog
from ledger.sources.hand_kinds import HandPaper, HandSort, HandState
from ledger.sources.hands import KnownHand, NewHand

group = typer.Typer(help="What no system records, entered by people.", no_args_is_help=True)

Why = Annotated[str, typer.Option(help="Why, in a sentence; it stands in the entry.")]
HandId = Annotated[str, typer.Argument(help="The id, as `hand list` shows it.", metavar="HAND")]
ObjectType = Annotated[str, typer.Option("--type", help="The type of what it happened to, such as room.")]
ObjectId = Annotated[str, typer.Option("--id", help="Its id.")]
At = Annotated[str, typer.Option("--at", help="When it happened, with its offset or in --zone.")]


@group.command("enter")
def enter(
    sort: Annotated[HandSort, typer.Argument(help="What is entered.")],
    ledger: LedgerOption,
    account: Account,
    object_type: ObjectType,
    object_id: ObjectId,
    at: At,
    reason: Why,
    action: Annotated[Action, typer.Option(help="What was done.")] = Action.EXECUTE,
    zone: Annotated[str | None, typer.Option(help="IANA zone of a time without offset.")] = None,
    change: Annotated[
        list[str] | None, typer.Option(help="ATTRIBUTE=NEW or ATTRIBUTE=OLD=>NEW, as often as needed.")
    ] = None,
    link: Annotated[list[str] | None, typer.Option(help="KIND=ID, such as batch=B-1, as often as needed.")] = None,
    outcome: Annotated[Outcome, typer.Option(help="How it ended.")] = Outcome.SUCCESS,
    done_by: Annotated[str | None, typer.Option(help="Who did it, where that is somebody else.")] = None,
    stated_reason: Annotated[str | None, typer.Option(help="Why it was done, as the paper says.")] = None,
    scan: Annotated[
        Path | None, typer.Option(help="The scan of the paper: PDF, PNG or JPEG.", exists=True, dir_okay=False)
    ] = None,
    paper_id: Annotated[str | None, typer.Option(help="The id that the paper bears.")] = None,
    paper_title: Annotated[str | None, typer.Option(help="What the paper is.")] = None,
    paper_place: Annotated[str | None, typer.Option(help="Where the paper is kept.")] = None,
    paper_page: Annotated[str | None, typer.Option(help="Which page of it.")] = None,
    corrects: Annotated[str | None, typer.Option(help="The record that it corrects: origin#index.")] = None,
    out_of_range: Annotated[
        str | None, typer.Option(help="Why a value outside its range is right; a second person then checks it.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="The source, where several are entered by hand.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter a page of paper with its scan, an observation, or a correction of a record, which stays beside it.

    It is a record like any other, and marked as entered by hand wherever it is shown.
    """
    new = NewHand(
        sort=sort,
        object=Target(type=object_type, id=object_id),
        action=action,
        occurred_at=parse_source_time(at, zone),
        reason=reason,
        source=source,
        done_by=done_by,
        stated_reason=stated_reason,
        outcome=outcome,
        changes=tuple(map(_change, change or ())),
        links=tuple(map(_link, link or ())),
        paper=_paper(paper_id, paper_title, paper_place, paper_page),
        corrects=corrects,
        out_of_range=out_of_range,
    )
    data = None if scan is None else scan.read_bytes()
    with opened(ledger) as service, acting(service, account) as caller:
        chosen = service.record_log(log)
        require(caller, Scope.ENTER, chosen)
        sees = caller.sees(one.name for one in service.logs.values())
        _say(chosen.hands.enter(new, data, caller.authority, sees), as_json)


@group.command("check")
def check(
    hand: HandId,
    ledger: LedgerOption,
    account: Account,
    reason: Why,
    refuse: Annotated[bool, typer.Option("--refuse", help="It does not agree with what it was entered from.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say that what was entered agrees with what it was entered from, as a second person who compared them."""
    with opened(ledger) as service, acting(service, account) as caller:
        chosen = service.record_log(log)
        require(caller, Scope.ENTER, chosen)
        _say(chosen.hands.check(hand, not refuse, reason, caller.authority), as_json)


@group.command("list")
def list_all(
    ledger: LedgerOption,
    state: Annotated[HandState | None, typer.Option(help="What stands so alone.")] = None,
    before: Annotated[int | None, typer.Option(help="Of records before this entry.", min=0)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=500)] = 50,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What was entered by hand, newest first."""
    with opened(ledger) as service:
        found = service.record_log(log).hands.listed(state, before, limit)
    if as_json:
        say_json(found)
        return
    for one in found:
        say(f"{one.hand}  entry {one.index}  {one.sort.value:11}  {_state(one)}")
    if not found:
        say(message("hands.none"))


@group.command("show")
def show(hand: HandId, ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """One of them, as it stands."""
    with opened(ledger) as service:
        found = service.record_log(log).hands.get(hand)
    _say(found, as_json)


def require(caller: Caller, scope: Scope, log: RecordLog) -> None:
    """Raises AccessDenied unless a grant of who signed in allows it for this log."""
    if not caller.allows(scope, log.log.name):
        raise AccessDenied(f"{caller.account} holds no grant with scope {scope.value!r} for log {log.log.name}")


def _change(text: str) -> Change:
    attribute, given, value = text.partition("=")
    if not given or not attribute:
        raise ConfigError(f"--change {text!r} names no attribute and value", advice="Write state=clean, or pH=6=>7.")
    old, both, new = value.partition("=>")
    return Change(attribute=attribute, old=old, new=new) if both else Change(attribute=attribute, new=value)


def _link(text: str) -> Link:
    kind, given, id_ = text.partition("=")
    if not given or kind not in set(LinkKind):
        raise ConfigError(f"--link {text!r} is no link", advice=f"Write batch=B-1; kinds: {', '.join(LinkKind)}.")
    return Link(kind=LinkKind(kind), id=id_, basis=LinkBasis.READ)


def _paper(id_: str | None, title: str | None, place: str | None, page: str | None) -> HandPaper | None:
    if id_ is None and title is None and place is None and page is None:
        return None
    if id_ is None or title is None or place is None:
        raise ConfigError(
            "a paper has an id, a title and a place", advice="Give --paper-id, --paper-title and --paper-place."
        )
    return HandPaper(id=id_, title=title, place=place, page=page)


def _say(found: KnownHand, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    say(f"{found.hand}  {_state(found)}")
    say(f"record {found.address}; reason: {found.reason}")
    if found.corrects is not None:
        say(message("marks.corrects", address=found.corrects))
    if found.paper is not None:
        told = msgspec.structs.asdict(found.paper)
        say(", ".join(f"{name}: {value}" for name, value in told.items() if value))
    if found.scan is not None:
        say(f"scan: {found.scan.media_type}, {found.scan.size} bytes")
    if found.check_reason is not None:
        say(f"check: {found.check_reason}")


def _state(found: KnownHand) -> str:
    return message(f"hand.state.{found.state.value}", by=found.entered_by, other=found.checked_by or "")
