"""The states of rules: what was said of a version of a rule, and whether it is validated by it to this day."""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.ruling import RULE_CHALLENGE, RULE_STATED, RUNS, RuleChallenge, RuleState, RuleStated
from ledger.review.life.going_by import changed
from ledger.review.life.projector import key_of
from ledger.review.life.tables import rule_state
from ledger.review.rules import rule_named, rules
from ledger.review.rules.rule import About
from ledger.signing.sign_off import sign_off
from ledger.store.logs import read_logs
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of
from ledger.store.store import Store

_TRY: Final = "Try it: trailseal rules challenge."


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and its `state` in a log. `entry` gave this version a state, at a time, by somebody, for a reason; null:
    nobody did. `why`: for what reason it is not validated, though `entry` says so.
    """

    about: About
    state: RuleState
    entry: int | None = None
    at: str | None = None
    by: str | None = None
    reason: str = ""
    challenge: int | None = None
    why: str = ""

    @property
    def carries(self) -> bool:
        """Whether a review by exception may rest on it."""
        return self.state is RuleState.VALIDATED


def running(connection: Connection, log: int, size: int) -> Mapping[str, RuleState]:
    """The state that every rule was given as of a size; what is only said to be validated is not looked at here."""
    row = rule_state.c
    given = {
        key: RuleState(state)
        for key, state in connection.execute(select(row.key, row.state).where(row.log == log, as_of(rule_state, size)))
    }
    return {name: given.get(key_of(name, rule.about.version), RuleState.SHADOW) for name, rule in rules().items()}


def standings(store: Store, connection: Connection, log: LogId, size: int) -> list[Standing]:
    """All rules with their states as of a size; signatures as they are now."""
    return [_standing(store, connection, log, size, rule.about) for rule in rules().values()]


def checked(stated: RuleStated) -> RuleStated:
    """The state as it is entered, if it can be one. Raises SchemaViolation, naming what is wrong."""
    try:
        stated = msgspec.convert(msgspec.to_builtins(stated), RuleStated)
        there = rule_named(stated.rule).about.version
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the state cannot be so: {error}", advice="Correct what is named.") from None
    except NotFound as error:
        raise SchemaViolation(error.message, advice=error.advice) from None
    if stated.version != there and (stated.version < 1 or stated.state in RUNS):
        raise SchemaViolation(
            f"rule {stated.rule} is of version {there} here: version {stated.version} cannot be {stated.state.value}",
            advice="Another version can be draft or retired, so that it does not run once it is installed.",
        )
    if (stated.challenge is not None) is not (stated.state is RuleState.VALIDATED):
        raise SchemaViolation(
            f"rule {stated.rule}: a challenge is named for a rule that is validated, and for no other",
            advice=_TRY if stated.challenge is None else "Leave the challenge out.",
        )
    return stated


def require_possible(store: Store, connection: Connection, log: int, stated: RuleStated) -> None:
    """Raises Conflict where what is said to be validated is not, as of this snapshot."""
    if stated.state is RuleState.VALIDATED:
        chosen = next(one for one in read_logs(connection) if one.number == log)
        size = LogReader(connection, log).head().size
        wrong = _unproven(store, connection, chosen, size, rule_named(stated.rule).about, stated.challenge)
        if wrong:
            raise Conflict(f"rule {stated.rule} is not validated: {wrong}", advice=_TRY)


def _standing(store: Store, connection: Connection, log: LogId, size: int, about: About) -> Standing:
    row = rule_state.c
    given = row.log == log.number, row.key == key_of(about.id, about.version), as_of(rule_state, size)
    entry = connection.scalar(select(row.from_index).where(*given))
    if entry is None:
        return Standing(about=about, state=RuleState.SHADOW, why=_before(connection, log.number, size, about))
    stored = LogReader(connection, log.number).entry(entry)
    said, why = body_of(stored, RULE_STATED, RuleStated), ""
    if said.state is RuleState.VALIDATED:
        why = _unproven(store, connection, log, size, about, said.challenge)
    return Standing(
        about=about,
        state=RuleState.SHADOW if why else said.state,
        entry=entry,
        at=decode_leaf(stored.leaf).logged_at,
        by=said.authority.actor,
        reason=said.reason,
        challenge=said.challenge,
        why=why,
    )


def _before(connection: Connection, log: int, size: int, about: About) -> str:
    """That another version of the rule was validated, in words; empty if none was."""
    row = rule_state.c
    others = row.log == log, row.rule == about.id, row.state == RuleState.VALIDATED.value, as_of(rule_state, size)
    version = connection.scalar(select(row.version).where(*others).order_by(row.version.desc()).limit(1))
    return "" if version is None else f"version {version} was validated, and version {about.version} is not"


def _unproven(store: Store, connection: Connection, log: LogId, size: int, about: About, challenge: int | None) -> str:
    """Why a trial does not show that a rule is validated as of a size, in words; empty if it does."""
    named = f"entry {challenge}"
    if challenge is None or challenge >= size:
        return f"{named} is no trial of it"
    stored = LogReader(connection, log.number).entry(challenge)
    if decode_leaf(stored.leaf).kind != RULE_CHALLENGE.name:
        return f"{named} is no trial of it"
    tried = body_of(stored, RULE_CHALLENGE, RuleChallenge)
    if (tried.rule, tried.version) != (about.id, about.version):
        return f"{named} is a trial of {tried.rule} version {tried.version}, this is {about.id} version {about.version}"
    if tried.lacking:
        return f"the trial in {named} does not show it: {tried.lacking}"
    since = changed(connection, log.number, about, tried.parameters, size)
    if since is not None:
        return f"since the trial in {named} its parameters were changed by entry {since}"
    missing = sign_off(store, connection, log, challenge, tried).open
    return f"nobody signed the trial in {named}" if missing else ""
