"""`trailseal challenge`: a harmless planted change must arrive as it was made, within its limit."""

import re
import time
from typing import Annotated

import msgspec
import typer

from collectors.base import Option, Secret
from ledger.cli.instants import instant_us
from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.errors import ConfigError
from ledger.core.record import Action
from ledger.planting import Planting as Work
from ledger.record_log import RecordLog
from ledger.sources.challenge_kinds import BY_HAND, Challenge, ChallengeResult, Expected, Planting, ResultState
from ledger.sources.challenges import Known, Past

group = typer.Typer(
    help="Challenges: planted changes that must arrive with the right who, old, new and time.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The challenge's name: lower-case letters, digits, dots, dashes.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd])")
_LOOK_S = 0.2


class PlanterType(msgspec.Struct, frozen=True, kw_only=True):
    """A planter, as `challenge planters` shows it."""

    type: str
    title: str
    options: tuple[Option, ...]
    secrets: tuple[Secret, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge with what came of it last; `due`: an instant for which a person has not planted it yet."""

    challenge: Challenge
    entry: int
    due: str | None
    last: Past | None


@group.command("planters")
def planters(as_json: AsJson = False) -> None:
    """What can plant a challenge, with its options and secrets; a person plants everything else by hand."""
    # Imported here: the planters' own libraries take seconds to load, which other commands should not wait for.
    from collectors.challenge import CONTROLLERS, PLANTERS, planter_type

    known = [
        PlanterType(type=one.type, title=one.title, options=one.options, secrets=one.secrets)
        for one in map(planter_type, sorted(PLANTERS))
    ]
    if as_json:
        say_json(known)
        return
    for one in known:
        say(f"{one.type}: {one.title}")
        for option in one.options:
            needed = "required" if option.required else f"default {option.default or 'none'}"
            say(f"    --option {option.name}=…  {option.meaning} ({needed})")
        for secret in one.secrets:
            say(f"    --secret {secret.name}=file:PATH or env:NAME  {secret.meaning}")
    say(f"{BY_HAND}: a person makes the change, and says so with `trailseal challenge planted`")
    say(f"Nothing is planted in controllers ({', '.join(sorted(CONTROLLERS))}): there it is done by hand.")


@group.command("add")
def add(
    name: Name,
    ledger: LedgerOption,
    source: Annotated[str, typer.Option(help="The source whose trail is challenged.")],
    object_id: Annotated[
        str, typer.Option(help="The test object's id, as records of the source name it; may hold {new}.")
    ],
    reason: Reason,
    by: Annotated[str, typer.Option(help=f"What plants it: see `challenge planters`, or {BY_HAND}.")] = BY_HAND,
    option: Annotated[list[str] | None, typer.Option(help="An option of the planter, NAME=VALUE; repeat.")] = None,
    secret: Annotated[
        list[str] | None, typer.Option(help="Where a secret of the planter is: NAME=file:PATH or NAME=env:VAR.")
    ] = None,
    value: Annotated[
        str, typer.Option(help="What is set: a text with {nonce}, or LOW..HIGH for a whole number.")
    ] = "challenge {nonce}",
    object_type: Annotated[str | None, typer.Option(help="The object's type, to be compared.")] = None,
    attribute: Annotated[
        str | None, typer.Option(help="The attribute that changes; without it the value may stand anywhere.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Who the record must name; without it, who is not compared.")
    ] = None,
    action: Annotated[Action | None, typer.Option(help="What the record must say was done.")] = None,
    old: Annotated[bool, typer.Option("--old/--no-old", help="Whether the old value is compared.")] = True,
    limit: Annotated[str, typer.Option(help="The record must be here within: 90s, 15m, 12h, 2d.")] = "15m",
    tolerance: Annotated[float, typer.Option(help="Seconds by which the record's time may be off.", min=0)] = 5.0,
    cron: Annotated[str | None, typer.Option(help="When: minute, hour, day, month, weekday, as “0 3 * * mon”.")] = None,
    every: Annotated[str | None, typer.Option(help="Or how often: 15m, 12h, 7d.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of --cron; by default the site's.")] = None,
    untried: Annotated[bool, typer.Option("--untried", help="Set it without reading the test object.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Set a challenge, or set it anew. Its planter signs in with an account of its own, never the collector's.

    The test object is read once, to see that planter, account and secrets are right; nothing is changed yet.
    """
    with opened(ledger) as service:
        chosen = service.record_log(log)
        challenge = Challenge(
            challenge=name,
            source=source,
            planting=Planting(by=by, options=_pairs(option), secrets=_pairs(secret), value=value),
            expected=Expected(
                object_type=object_type,
                object_id=object_id,
                attribute=attribute,
                account=account,
                action=action,
                old=old,
                tolerance_us=round(tolerance * MICROSECONDS),
            ),
            limit_s=_seconds("--limit", limit),
            cron=cron,
            zone=zone or service.settings.zone,
            every_s=None if every is None else _seconds("--every", every),
            retired=False,
            reason=reason,
            authority=local(service),
        )
        config = chosen.sources.get(source)
        if by != BY_HAND and not untried:
            Work(chosen, service.clock).try_out(challenge, config)
        else:
            Work(chosen, service.clock).check(challenge, config)
        index = chosen.challenges.put(challenge)
    if as_json:
        say_json({"challenge": name, "entry": index})
    else:
        say(f"Challenge {name} is set: entry {index}.")


@group.command("list")
def list_challenges(ledger: LedgerOption, log: LogOption = None, as_json: AsJson = False) -> None:
    """The challenges, when each is planted, and what came of it last."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        found = [_listed(chosen, known, service.clock.now_us()) for known in chosen.challenges.list()]
    if as_json:
        say_json(found)
        return
    if not found:
        say("No challenge is set. Set one: trailseal challenge add NAME --source ID --object-id ID --reason …")
    for one in found:
        challenge = one.challenge
        say(f"{challenge.challenge:20} {challenge.source:12} {challenge.planting.by:8} {_schedule(challenge)}")
        say(f"  {_told(one.last) if one.last else 'never planted'}")
        if one.due is not None:
            say(f"▲ was to be planted by hand at {one.due}: `trailseal challenge planted {challenge.challenge}`")


@group.command("run")
def run(
    ledger: LedgerOption,
    name: Annotated[
        str | None, typer.Argument(help="Plant this one now; without it, all that are due, and judge the others.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for what comes of it, at most for its limit.")] = False,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Plant and judge what is due, as `serve` does by itself; or plant one challenge now.

    Exit code 1 if anything came out wrong, late or not at all, or could not be planted yet.
    """
    with opened(ledger) as service:
        chosen = service.record_log(log)
        work = Work(chosen, service.clock)
        if name is None:
            done = work.work()
            planted, results, waiting = done.planted, done.results, done.waiting
        else:
            planted, results, waiting = (work.plant(name, local(service)),), (), ()
        results = (*results, *(past.result for past in planted if past.result is not None))
        if wait:
            results = (*results, *_awaited(work, [past for past in planted if past.result is None]))
    judged = {one.run for one in results}
    if as_json:
        say_json({"planted": planted, "results": results, "waiting": waiting})
    else:
        for past in planted:
            if past.entry not in judged:
                say(_told(past))
        for result in results:
            say(came(result))
        for one in waiting:
            say(f"▲ not planted yet: {one}")
    if waiting or any(one.state is not ResultState.ARRIVED for one in results):
        raise typer.Exit(1)


@group.command("planted")
def planted(
    name: Name,
    ledger: LedgerOption,
    new: Annotated[str, typer.Option(help="The value that you set.")],
    old: Annotated[str | None, typer.Option(help="The value that was there; by default the one set before.")] = None,
    at: Annotated[str | None, typer.Option(help="When, as 2026-11-25T07:10:06Z; by default now.")] = None,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Say that you planted a challenge by hand; its record must arrive within its limit."""
    with opened(ledger) as service:
        at_us = service.clock.now_us() if at is None else instant_us("--at", at)
        past = Work(service.record_log(log), service.clock).planted(name, at_us, old, new, local(service))
    if as_json:
        say_json(past)
    else:
        say(_told(past))


@group.command("history")
def history(
    ledger: LedgerOption,
    name: Annotated[str | None, typer.Argument(help="Of this challenge only.")] = None,
    source: Annotated[str | None, typer.Option(help="Of this source only.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the newest.", min=1, max=10_000)] = 100,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """What was planted, and what came of it, newest first; of retired challenges too."""
    with opened(ledger) as service:
        found = service.record_log(log).challenges.history(name, source, limit)
    if as_json:
        say_json(found)
        return
    if not found:
        say("Nothing was planted.")
    for past in found:
        say(_told(past))
        for one in past.result.compared if past.result is not None else ():
            say(f"  {'●' if one.holds else '▲'} {one.member}: planted {one.expected}, recorded {one.found}")


@group.command("retire")
def retire(name: Name, ledger: LedgerOption, reason: Reason, log: LogOption = None, as_json: AsJson = False) -> None:
    """End a challenge; what was planted already is still judged, and its history stays."""
    with opened(ledger) as service:
        index = service.record_log(log).challenges.retire(name, reason, local(service))
    if as_json:
        say_json({"challenge": name, "entry": index})
    else:
        say(f"Challenge {name} is retired: entry {index}.")


def _awaited(work: Work, planted: list[Past]) -> list[ChallengeResult]:
    left = {past.entry for past in planted}
    found: list[ChallengeResult] = []
    while left:
        for past in planted:
            if past.entry in left:
                result = work.result(past)
                if result is not None:
                    found.append(result)
                    left.discard(past.entry)
        if left:
            time.sleep(_LOOK_S)
    return found


def _listed(chosen: RecordLog, known: Known, now_us: int) -> Listed:
    by_hand = known.challenge.planting.by == BY_HAND
    due_us = chosen.challenges.due(known, now_us) if by_hand else None
    past = chosen.challenges.history(known.challenge.challenge, limit=1)
    return Listed(
        challenge=known.challenge,
        entry=known.entry,
        due=None if due_us is None else utc_text(due_us),
        last=past[0] if past else None,
    )


def _schedule(challenge: Challenge) -> str:
    if challenge.cron is not None:
        return f"cron {challenge.cron} ({challenge.zone})"
    return "when asked" if challenge.every_s is None else f"every {challenge.every_s} s"


def _told(past: Past) -> str:
    if past.result is not None:
        return came(past.result)
    run = past.run
    return f"{run.due}  {run.challenge} {run.state.value}: {run.new}; its record is due by {run.deadline}"


def came(result: ChallengeResult) -> str:
    """A result in a line."""
    mark = "●" if result.state is ResultState.ARRIVED else "▲"
    return f"{mark} {result.due}  {result.challenge} {result.state.value}: {result.detail}"


def _pairs(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    pairs = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"{text!r} is not NAME=VALUE", advice="Write NAME=VALUE.")
        pairs[name] = value
    return tuple(sorted(pairs.items()))


def _seconds(option: str, text: str) -> int:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ConfigError(f"{option}: {text!r} is no duration", advice="Write 90s, 15m, 12h or 7d.")
    return int(found[1]) * _UNITS[found[2]]
