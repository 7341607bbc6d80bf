"""Challenges: planted changes that must arrive with the right who, old, new and time; set, planted, and what came.

How a program plants (its address, account and secrets, files that it writes) is set at the terminal alone: whoever may
call this could otherwise make the service sign in anywhere, or send any file that it can read. Over this interface a
challenge that a person plants is set, and when and how strictly any is judged.
"""

from contextlib import suppress
from http import HTTPStatus
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from ledger.api.context import Context
from ledger.api.fields import SourceId, no_nul_in, without_nul
from ledger.api.gate import CallerRequest
from ledger.api.people import Reason, Why
from ledger.api.placed import Limit, Placed, placed
from ledger.api.problems import declared
from ledger.api.sources import RecordLog
from ledger.core.authority import Authority
from ledger.core.clock import MICROSECONDS, parse_utc, utc_text
from ledger.core.errors import ConfigError, NotFound, SchemaViolation
from ledger.core.record import Action, Name
from ledger.people.access import Scope, allow
from ledger.planting import Planting as Work
from ledger.record_log import RecordLog as OpenedLog
from ledger.sources.challenge_kinds import (
    BY_HAND,
    Challenge,
    ChallengeName,
    ChallengeResult,
    ChallengeRun,
    Expected,
    Planting,
    ResultState,
)
from ledger.sources.challenges import Known, Past
from ledger.sources.map_files import instant
from ledger.store.position import MAX_INDEX

ChallengePath = Annotated[str, PathParameter(description="A challenge, by its name.", max_length=128)]
OfSource = Annotated[str | None, QueryParameter(description="Of this source only.", max_length=512)]
OfChallenge = Annotated[str | None, QueryParameter(description="Of this challenge only.", max_length=128)]
OfResult = Annotated[ResultState | None, QueryParameter(description="Of which this came.")]
Before = Annotated[
    int | None, QueryParameter(description="`next_before` of the page before this one.", ge=0, le=MAX_INDEX)
]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=366 * 86_400)]
Instant = Annotated[str, msgspec.Meta(max_length=40, examples=["2026-11-25T07:10:06Z"])]


class NewChallenge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A challenge as it is from now on. One that is new is planted by a person; of one that a program plants, what that
    program does stays as it was set at the terminal, and `value` is left out.

    `object_id` may hold `{new}`; null members are not compared. `value`: a text with `{nonce}`, or LOW..HIGH. The
    record must be here within `limit_s` seconds of planting. Planted by `cron` (in `zone`), every `every_s`, or when
    asked.
    """

    challenge: ChallengeName
    object_id: Name
    reason: Reason
    value: Name | None = None
    object_type: Name | None = None
    attribute: Name | None = None
    account: Name | None = None
    action: Action | None = None
    old: bool = True
    limit_s: Seconds = 900
    tolerance_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 5.0
    cron: Name | None = None
    every_s: Annotated[int, msgspec.Meta(ge=60, le=366 * 86_400)] | None = None
    zone: Name | None = None


class NewPlanting(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`{}` where a program plants. By hand, what a person set, and when: without `old` it is what the planting before
    left there, without `at` it is now.
    """

    new: Name | None = None
    old: Name | None = None
    at: Instant | None = None


class PlantingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One planting, by its entry, and what came of it; null: it is not judged yet."""

    entry: int
    run: ChallengeRun
    result_entry: int | None
    result: ChallengeResult | None


class PlantingsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of plantings; the next one is before `next_before`, null on the last."""

    plantings: list[PlantingAnswer]
    next_before: int | None


class ChallengeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge as it is set; `entry` says so. `planted_by`: a program, or `by-hand`.

    `due`: an instant for which a person has not planted it yet. `last`: the newest planting; null: there was none.
    """

    challenge: str
    source: str
    entry: int
    planted_by: str
    value: str
    expected: Expected
    limit_s: int
    cron: str | None
    zone: str
    every_s: int | None
    reason: str
    due: str | None
    last: PlantingAnswer | None


@get("/", opt=allow(Scope.READ), responses=declared())
async def list_challenges(
    context: NamedDependency[Context], log: RecordLog = None, source: OfSource = None
) -> list[ChallengeAnswer]:
    """The challenges of a record log's sources, when each is planted, and what came of it last."""
    without_nul(source=source)

    def read() -> list[ChallengeAnswer]:
        chosen = context.record_log(log)
        now_us = context.service.clock.now_us()
        return [_answer(chosen, known, now_us) for known in chosen.challenges.list(source)]

    return await context.lanes.read(read)


@get("/plantings", opt=allow(Scope.READ), responses=declared())
async def plantings(
    context: NamedDependency[Context],
    log: RecordLog = None,
    source: OfSource = None,
    challenge: OfChallenge = None,
    result: OfResult = None,
    before: Before = None,
    limit: Limit = 50,
) -> PlantingsAnswer:
    """What was planted, and what came of it, newest first; of retired challenges too. `result` `missed`: never came."""
    without_nul(source=source, challenge=challenge)

    def read() -> PlantingsAnswer:
        past = context.record_log(log).challenges.history(challenge, source, limit + 1, result=result, before=before)
        page = [_planting(one) for one in past[:limit]]
        last = page[-1] if len(past) > limit else None
        return PlantingsAnswer(plantings=page, next_before=None if last is None else last.result_entry or last.entry)

    return await context.lanes.read(read)


@post("/", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def set_challenge(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    data: JSONBody[NewChallenge],
    log: RecordLog = None,
) -> Placed:
    """Sets a challenge of a source, or sets it anew."""
    without_nul(source=source)
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> Placed:
        service, chosen = context.service, context.record_log(log)
        config = chosen.sources.get(source)
        made = _made(chosen, source, data, service.settings.zone, authority)
        try:
            Work(chosen, service.clock).check(made, config)
        except ConfigError as error:
            raise SchemaViolation(error.message, advice=error.advice) from None
        return placed(chosen, chosen.challenges.put(made))

    return await context.lanes.append(enter)


@post("/{challenge:str}/plantings", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def plant(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    challenge: ChallengePath,
    data: JSONBody[NewPlanting],
    log: RecordLog = None,
) -> PlantingAnswer:
    """Plants a challenge now; of one that is planted by hand, takes down what a person set.

    Where nothing could be planted, that is its result. What comes of it is judged when its record is here, or its limit
    over: `GET /challenges/plantings`.
    """
    without_nul(source=source, challenge=challenge)
    no_nul_in(data)
    authority = request.user.authority

    def enter() -> PlantingAnswer:
        chosen = context.record_log(log)
        known, work = _known(chosen, source, challenge), Work(chosen, context.service.clock)
        by_hand = known.challenge.planting.by == BY_HAND
        if not by_hand and data != NewPlanting():
            raise SchemaViolation(
                f"challenge {challenge!r} is planted by a program, which sets what it plants", advice="Send `{}`."
            )
        if by_hand and data.new is None:
            raise SchemaViolation(
                f"challenge {challenge!r} is planted by hand, and nothing says what was set",
                advice="Make the change at the source, and give what it is now as `new`.",
            )
        try:
            if data.new is None:
                return _planting(work.plant(challenge, authority))
            at_us = context.service.clock.now_us() if data.at is None else parse_utc(instant(data.at, None))
            return _planting(work.planted(challenge, at_us, data.old, data.new, authority))
        except ConfigError as error:
            raise SchemaViolation(error.message, advice=error.advice) from None

    return await context.lanes.append(enter)


@post("/{challenge:str}/judgement", opt=allow(Scope.CONFIGURE), responses=declared(409), status_code=HTTPStatus.OK)
async def judge(
    context: NamedDependency[Context], source: SourceId, challenge: ChallengePath, log: RecordLog = None
) -> list[ChallengeResult]:
    """Judges now what was planted, as the service does by itself all the time; what may still arrive stays open."""
    without_nul(source=source, challenge=challenge)

    def enter() -> list[ChallengeResult]:
        chosen = context.record_log(log)
        _known(chosen, source, challenge)
        return list(Work(chosen, context.service.clock).judge(challenge))

    return await context.lanes.append(enter)


@post("/{challenge:str}/retirement", opt=allow(Scope.CONFIGURE), responses=declared(409))
async def retire(
    context: NamedDependency[Context],
    request: CallerRequest,
    source: SourceId,
    challenge: ChallengePath,
    data: JSONBody[Why],
    log: RecordLog = None,
) -> Placed:
    """Ends a challenge; what was planted already is still judged, and its history stays."""
    without_nul(source=source, challenge=challenge, reason=data.reason)
    authority = request.user.authority

    def enter() -> Placed:
        chosen = context.record_log(log)
        _known(chosen, source, challenge)
        return placed(chosen, chosen.challenges.retire(challenge, data.reason, authority))

    return await context.lanes.append(enter)


def _known(chosen: OpenedLog, source: str, name: str) -> Known:
    """A challenge of that source, and of no other: the caller's right is for this one."""
    known = chosen.challenges.get(name)
    _require_of(source, known.challenge)
    return known


def _require_of(source: str, challenge: Challenge) -> None:
    if challenge.source != source:
        raise NotFound(f"source {source!r} has no challenge {challenge.challenge!r}")


def _made(chosen: OpenedLog, source: str, data: NewChallenge, zone: str, authority: Authority) -> Challenge:
    """The challenge as it is to be; whoever sets one anew that a program plants changes nothing of what that does."""
    planting = Planting(by=BY_HAND, options=(), secrets=(), value=data.value or "challenge {nonce}")
    before = None
    with suppress(NotFound):
        before = chosen.challenges.get(data.challenge).challenge
    if before is not None:
        _require_of(source, before)
    if before is not None and before.planting.by != BY_HAND:
        if data.value is not None and data.value != before.planting.value:
            raise SchemaViolation(
                f"challenge {data.challenge!r} is planted by a program, whose value is set at the terminal",
                advice="Leave `value` out, or set the challenge with `trailseal challenge add`.",
            )
        planting = before.planting
    return Challenge(
        challenge=data.challenge,
        source=source,
        planting=planting,
        expected=Expected(
            object_type=data.object_type,
            object_id=data.object_id,
            attribute=data.attribute,
            account=data.account,
            action=data.action,
            old=data.old,
            tolerance_us=round(data.tolerance_s * MICROSECONDS),
        ),
        limit_s=data.limit_s,
        cron=data.cron,
        zone=data.zone or zone,
        every_s=data.every_s,
        retired=False,
        reason=data.reason,
        authority=authority,
    )


def _answer(chosen: OpenedLog, known: Known, now_us: int) -> ChallengeAnswer:
    one = known.challenge
    by_hand = one.planting.by == BY_HAND
    due_us = chosen.challenges.due(known, now_us) if by_hand else None
    past = chosen.challenges.history(one.challenge, limit=1)
    return ChallengeAnswer(
        challenge=one.challenge,
        source=one.source,
        entry=known.entry,
        planted_by=one.planting.by,
        value=one.planting.value,
        expected=one.expected,
        limit_s=one.limit_s,
        cron=one.cron,
        zone=one.zone,
        every_s=one.every_s,
        reason=one.reason,
        due=None if due_us is None else utc_text(due_us),
        last=_planting(past[0]) if past else None,
    )


def _planting(one: Past) -> PlantingAnswer:
    return PlantingAnswer(entry=one.entry, run=one.run, result_entry=one.result_entry, result=one.result)


router = Router(
    "/sources/{source:str}/challenges",
    route_handlers=[set_challenge, plant, judge, retire],
    tags=["challenges"],
)
every = Router("/challenges", route_handlers=[list_challenges, plantings], tags=["challenges"])
