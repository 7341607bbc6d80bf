"""A source, its challenges, and imports of old audit trails, as the pages show them."""

from collections.abc import Sequence
from typing import Final

import msgspec

from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.hashing import unb64
from ledger.core.retention import RetentionClass
from ledger.core.source import SourceConfig
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, duration, moment
from ledger.signing.sign_off import SignOff
from ledger.sources.challenge_kinds import BY_HAND, ResultState
from ledger.sources.challenges import Known as Challenge
from ledger.sources.challenges import Past
from ledger.sources.import_kinds import Difference, TrueCopy
from ledger.sources.imports import Known as Import
from ledger.sources.life import Standing
from ledger.sources.life_kinds import LifeState
from ledger.web.views.common import Scope

_STANDING: Final = {LifeState.VALIDATED: State.HOLDS}
_RESULTS: Final = {ResultState.ARRIVED: State.HOLDS, ResultState.NOT_PLANTED: State.UNKNOWN}


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A state with the sentences that say why."""

    state: State
    says: tuple[str, ...]


class ImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An import: its entry, file and figures, whether they agree, and where the statement about it stands.

    `stated`: the entry of the statement. `live`: the source that is collected in the old system's place.
    """

    log: str
    id: str
    entry: int
    source: str
    file: str
    size: int
    sha256: bytes
    digest_stated: bool
    found: str
    first: Moment | None
    last: Moment | None
    reconciled: Judged
    copy: Judged
    stated: int | None
    live: str | None
    live_from: Moment | None


class ChallengeView(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge: who plants it and when, and what came of it last. `due`: since when a person has not planted it."""

    name: str
    entry: int
    planted_by: str
    when: str
    due: Moment | None
    limit: str
    last: Judged
    last_entry: int | None
    last_due: Moment | None


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A source with its standing; `since`: the entry that says so. `mapping`: the entry of the one that it has.

    `options`: as NAME=VALUE; where secrets are found is not shown.
    """

    log: str
    id: str
    title: str
    type: str
    mapping: int | None
    options: tuple[str, ...]
    seal: tuple[str, ...]
    zone: str
    retention: RetentionClass
    standing: Judged
    since: int | None
    challenges: tuple[ChallengeView, ...]
    imports: tuple[ImportView, ...]


def import_view(scope: Scope, log: str, known: Import, signed: SignOff | None) -> ImportView:
    """An import as it stands; `signed`: how the statement about it is signed off."""
    body = known.last
    outcome = body.outcome
    found = message("imports.found.none")
    if outcome is not None:
        counts = outcome.counts
        found = message(
            "imports.found.counts",
            records=counts.records,
            rows=counts.rows,
            appended=counts.appended,
            duplicates=counts.duplicates,
            quarantined=counts.quarantined,
        )
    return ImportView(
        log=log,
        id=body.id,
        entry=known.entry if known.true_copy is None else known.true_copy.finished,
        source=body.source,
        file=one_line(body.file.name),
        size=body.file.size,
        sha256=unb64(body.file.sha256, 32),
        digest_stated=body.file.stated,
        found=found,
        first=None if outcome is None else _moment(scope, outcome.first_occurred),
        last=None if outcome is None else _moment(scope, outcome.last_occurred),
        reconciled=_reconciled(known),
        copy=_copy(known.true_copy, signed or SignOff()),
        stated=None if known.true_copy is None else known.entry,
        live=body.continues_in,
        live_from=_moment(scope, body.live_from),
    )


def challenge_view(scope: Scope, known: Challenge, due_us: int | None, last: Past | None) -> ChallengeView:
    """A challenge as it is set, with its last planting."""
    one = known.challenge
    by_hand = one.planting.by == BY_HAND
    when = message("challenges.when.asked")
    if one.cron is not None:
        when = message("challenges.when.cron", cron=inert(one.cron), zone=inert(one.zone))
    elif one.every_s is not None:
        when = message("challenges.when.every", duration=duration(one.every_s * MICROSECONDS))
    return ChallengeView(
        name=one.challenge,
        entry=known.entry,
        planted_by=message("challenges.by.hand")
        if by_hand
        else message("challenges.by.program", name=inert(one.planting.by)),
        when=when,
        due=moment(due_us, scope.zone) if by_hand and due_us is not None else None,
        limit=duration(one.limit_s * MICROSECONDS),
        last=_result(last),
        last_entry=None if last is None else last.entry if last.result_entry is None else last.result_entry,
        last_due=None if last is None else _moment(scope, last.run.due),
    )


def source_view(
    log: str,
    config: SourceConfig,
    adopted: Sequence[int],
    standing: Standing,
    challenges: tuple[ChallengeView, ...],
    imports: tuple[ImportView, ...],
) -> SourceView:
    """A source as it is registered, and what is known of its trail. `adopted`: the entries of its mapping, if any."""
    return SourceView(
        log=log,
        id=config.id,
        title=one_line(config.title),
        type=inert(config.type),
        mapping=adopted[-1] if adopted else None,
        options=tuple(one_line(f"{name}={value}") for name, value in sorted(config.options.items())),
        seal=config.seal,
        zone=config.zone or "",
        retention=config.retention,
        standing=Judged(
            state=_STANDING.get(standing.state, State.UNKNOWN),
            says=(message(f"life.state.{standing.state.value}"),),
        ),
        since=standing.entry,
        challenges=challenges,
        imports=imports,
    )


def _reconciled(known: Import) -> Judged:
    outcome = known.last.outcome
    if outcome is None:
        return Judged(state=State.UNKNOWN, says=(message("imports.reconciled.running"),))
    if not outcome.differences:
        return Judged(state=State.HOLDS, says=(message("imports.reconciled.agrees"),))
    explained = () if known.true_copy is None else known.true_copy.explained
    why = {one.what: message("imports.reconciled.explained", why=one_line(one.why)) for one in explained}
    differ = any(one.expected is not None for one in outcome.differences)
    says = tuple("; ".join(filter(None, (_difference(one), why.get(one.what)))) for one in outcome.differences)
    return Judged(state=State.FAILS if differ else State.UNKNOWN, says=says)


def _difference(one: Difference) -> str:
    what = one_line(one.what)
    if one.expected is None:
        return message("imports.reconciled.unstated", what=what, found=one.found)
    return message("imports.reconciled.differs", what=what, expected=one.expected, found=one.found)


def _copy(stated: TrueCopy | None, signed: SignOff) -> Judged:
    if stated is None:
        return Judged(state=State.UNKNOWN, says=(message("imports.copy.none"),))
    who, count = inert(stated.authority.actor), len(stated.sample)
    if signed.open or not signed.given:
        return Judged(state=State.UNKNOWN, says=(message("imports.copy.open", account=who, count=count),))
    by = (
        message("imports.copy.by", name=one_line(one.name), account=inert(one.account), role=inert(one.role))
        for one in signed.given
    )
    return Judged(state=State.HOLDS, says=(message("imports.copy.signed", account=who, count=count), *by))


def _result(last: Past | None) -> Judged:
    if last is None:
        return Judged(state=State.UNKNOWN, says=(message("challenges.result.none"),))
    if last.result is None:
        return Judged(state=State.UNKNOWN, says=(message("challenges.result.waiting"),))
    says = [message(f"challenges.result.{last.result.state.value}")]
    if last.result.delay_us is not None:
        says[0] += f" ({duration(last.result.delay_us)})"
    if last.result.detail:
        says.append(one_line(last.result.detail))
    return Judged(state=_RESULTS.get(last.result.state, State.FAILS), says=tuple(says))


def _moment(scope: Scope, text: str | None) -> Moment | None:
    return None if text is None else moment(parse_utc(text), scope.zone)
