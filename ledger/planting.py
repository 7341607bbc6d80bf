"""Plants the challenges of a record log that are due, once for each instant, and judges those that are planted.

What a process that died meanwhile had begun is never planted again: it is judged by what arrives.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import msgspec
import structlog

from collectors.challenge import CONTROLLERS, open_planter
from ledger.core.authority import Authority
from ledger.core.clock import MICROSECONDS, WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, Conflict, LedgerError, RetriableSource
from ledger.core.source import SourceConfig
from ledger.record_log import RecordLog
from ledger.sources.challenge_kinds import BY_HAND, Challenge, ChallengeResult, ChallengeRun, RunState
from ledger.sources.challenge_schedule import next_value
from ledger.sources.challenges import SCHEDULE, Known, Past
from ledger.sources.life import CLOSED

BY_HAND_US: Final = 86_400 * MICROSECONDS
"""So long after its instant a person may plant a challenge; after that, that nobody did is a finding."""
_NOBODY: Final = ConfigError("nobody planted it by hand", advice="Plant it, and say so: `trailseal challenge planted`.")


class CanPlant(Protocol):
    """A planter, as it is used here."""

    def read(self) -> str | None: ...

    def plant(self, old: str | None, new: str) -> None: ...


class Opener(Protocol):
    """Makes a planter, as `open_planter` does."""

    def __call__(
        self, name: str, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock, /
    ) -> CanPlant: ...


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What one look did: plantings by their entries, results, and what could not be done yet."""

    planted: tuple[Past, ...]
    results: tuple[ChallengeResult, ...]
    waiting: tuple[str, ...]


class Planting:
    """The challenges of one record log at work. For one thread; any number of processes may have one."""

    def __init__(self, log: RecordLog, clock: WallClock, opener: Opener | None = None) -> None:
        self._log = log
        self._clock = clock
        self._opener: Opener = opener or open_planter
        self._told = structlog.get_logger("challenges")

    def work(self) -> Done:
        """Judges what is planted, and plants what is due; what fails at one challenge does not hold up the others."""
        results = tuple(self.judge())
        planted, waiting = [], []
        for known in self._log.challenges.list():
            name = known.challenge.challenge
            try:
                due_us = self._due(known)
                if due_us is not None and known.challenge.planting.by != BY_HAND:
                    planted.append(self._plant(known, due_us, SCHEDULE, patient=True))
                elif due_us is not None and self._clock.now_us() > due_us + BY_HAND_US:
                    planted.append(self._not_planted(known, due_us, _NOBODY, SCHEDULE))
            except Conflict:
                continue  # another process has it
            except Exception as error:  # whatever a planter's library raises, the other challenges go on
                said = error.message if isinstance(error, LedgerError) else repr(error)
                self._told.warning("challenge not planted yet", challenge=name, error=said)
                waiting.append(f"{name}: {said}")
        return Done(planted=tuple(planted), results=results, waiting=tuple(waiting))

    def plant(self, name: str, authority: Authority) -> Past:
        """Plants a challenge now, because somebody asks for it. Raises NotFound, ConfigError, Conflict.

        Where nothing could be planted, that is the result of what is returned.
        """
        known = self._log.challenges.get(name)
        if known.challenge.planting.by == BY_HAND:
            raise ConfigError(
                f"challenge {name!r} is planted by hand",
                advice="Make the change, and say so: `trailseal challenge planted`.",
            )
        self._require_open(known.challenge)
        return self._plant(known, self._clock.now_us(), authority, patient=False)

    def planted(self, name: str, at_us: int, old: str | None, new: str, authority: Authority) -> Past:
        """Enters that a person planted a challenge. Raises NotFound, ConfigError, Conflict."""
        known = self._log.challenges.get(name)
        challenge = known.challenge
        if challenge.planting.by != BY_HAND:
            raise ConfigError(
                f"challenge {name!r} is planted by {challenge.planting.by}",
                advice="Plant it with `trailseal challenge run`.",
            )
        self._require_open(challenge)
        if at_us > self._clock.now_us():
            raise ConfigError("it cannot have been planted later than now", advice="Correct --at.")
        moment = utc_text(at_us)
        run = _run(known, at_us, at_us, RunState.PLANTED, old or self._log.challenges.old(name), new, authority)
        run = msgspec.structs.replace(run, planted_at=moment)
        return _past(self._log.challenges.begin(run), run)

    def judge(self, name: str | None = None) -> Iterator[ChallengeResult]:
        """Judges the plantings that can be: of one challenge, or all."""
        for past in self._log.challenges.pending():
            if name is None or past.run.challenge == name:
                try:
                    result = self._log.challenges.judge(past, self._clock.now_us())
                except Conflict:
                    continue  # another process has just judged it, or it is being planted
                if result is not None:
                    yield result

    def result(self, past: Past) -> ChallengeResult | None:
        """What came of one planting, judged now if it can be; None while its record may still arrive."""
        for one in self._log.challenges.history(past.run.challenge):
            if one.run.due == past.run.due:
                if one.result is not None:
                    return one.result
                return next((found for found in self.judge(past.run.challenge) if found.due == past.run.due), None)
        return None

    def check(self, challenge: Challenge, source: SourceConfig) -> None:
        """Raises ConfigError for a planter that cannot be made of what is declared; reaches for nothing."""
        require_own_account(challenge, source)
        if challenge.planting.by != BY_HAND:
            if source.type in CONTROLLERS:
                raise ConfigError(
                    f"source {source.id!r} is of type {source.type}: nothing is planted in controllers",
                    advice=f"Let a person plant it: --by {BY_HAND}, then `trailseal challenge planted`.",
                )
            self._open(challenge)

    def try_out(self, challenge: Challenge, source: SourceConfig) -> None:
        """Opens the planter and reads the test object; raises what is wrong with either, and changes nothing."""
        self.check(challenge, source)
        self._open(challenge).read()

    def _due(self, known: Known) -> int | None:
        if self._log.lives.standing(known.challenge.source).state in CLOSED:
            return None
        return self._log.challenges.due(known, self._clock.now_us())

    def _require_open(self, challenge: Challenge) -> None:
        state = self._log.lives.standing(challenge.source).state
        if state in CLOSED:
            raise Conflict(
                f"source {challenge.source!r} is {state.value}: nothing of it is taken",
                advice="Resume it first (`trailseal source resume`).",
            )

    def _plant(self, known: Known, due_us: int, authority: Authority, *, patient: bool) -> Past:
        """`patient`: a source that cannot be reached is tried again until the limit is over (RetriableSource)."""
        challenge, challenges = known.challenge, self._log.challenges
        name = challenge.challenge
        try:
            planter = self._open(challenge)
            present = planter.read()
        except CollectorError as error:
            late = self._clock.now_us() > due_us + challenge.limit_s * MICROSECONDS
            if patient and isinstance(error, RetriableSource) and not late:
                raise
            return self._not_planted(known, due_us, error, authority)
        except ConfigError as error:
            if not patient:
                raise
            return self._not_planted(known, due_us, error, authority)
        old = challenges.old(name) if present is None else present
        new = next_value(challenge.planting.value, old)
        run = _run(known, due_us, self._clock.now_us(), RunState.BEGUN, old, new, authority)
        begun = challenges.begin(run)
        try:
            planter.plant(old, new)
        except RetriableSource as error:
            run = msgspec.structs.replace(run, state=RunState.UNCERTAIN, detail=error.message)
        except LedgerError as error:
            past = _past(begun, run)
            result = challenges.give_up(past, _cut(error), authority)
            return msgspec.structs.replace(past, result=result)
        else:
            now_us = self._clock.now_us()
            deadline = utc_text(now_us + challenge.limit_s * MICROSECONDS)
            run = msgspec.structs.replace(run, state=RunState.PLANTED, planted_at=utc_text(now_us), deadline=deadline)
        try:
            return _past(challenges.go_on(run, RunState.BEGUN), run)
        except Conflict:
            return _past(begun, run)  # its record was so quick that another process has judged it already

    def _not_planted(self, known: Known, due_us: int, error: LedgerError, authority: Authority) -> Past:
        run = _run(known, due_us, self._clock.now_us(), RunState.BEGUN, None, "", authority)
        past = _past(self._log.challenges.begin(run), run)
        return msgspec.structs.replace(past, result=self._log.challenges.give_up(past, _cut(error), authority))

    def _open(self, challenge: Challenge) -> CanPlant:
        planting = challenge.planting
        return self._opener(
            planting.by, challenge.challenge, dict(planting.options), dict(planting.secrets), self._clock
        )


def require_own_account(challenge: Challenge, source: SourceConfig) -> None:
    """Raises ConfigError where a planter would have the collector's own secret, or sign in as the collector."""
    options = dict(challenge.planting.options)
    shared = {reference for _, reference in challenge.planting.secrets} & {*source.secrets.values()}
    url, user = options.get("url", ""), options.get("user", "")
    named = user == source.options.get("user") if user else "@" in url
    same = named and url == source.options.get("url")
    if shared or same:
        what = f"the secret at {sorted(shared)[0]}" if shared else f"the account {user or url!r}"
        raise ConfigError(
            f"{what} is the collector's own, which only reads",
            advice="Give the challenge an account of its own, that may change the test object alone.",
        )


def _run(
    known: Known, due_us: int, begun_us: int, state: RunState, old: str | None, new: str, authority: Authority
) -> ChallengeRun:
    challenge = known.challenge
    return ChallengeRun(
        challenge=challenge.challenge,
        source=challenge.source,
        definition=known.entry,
        due=utc_text(due_us),
        state=state,
        old=old,
        new=new,
        begun_at=utc_text(begun_us),
        planted_at=None,
        deadline=utc_text(begun_us + challenge.limit_s * MICROSECONDS),
        detail="",
        authority=authority,
    )


def _past(entry: int, run: ChallengeRun) -> Past:
    return Past(entry=entry, run=run, result_entry=None, result=None)


def _cut(error: LedgerError) -> str:
    return f"{error.message}. {error.advice}"[:4096]
