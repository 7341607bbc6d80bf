"""The pages of retention: rules and holds, each with what the one who looks may do about it."""

import msgspec

from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import NotCanonical, SchemaViolation
from ledger.people.access import Caller, Scope
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.retention import term_text
from ledger.present.states import State
from ledger.retention.holds import Hold
from ledger.retention.rules import ShownRule
from ledger.signing.looking import LookedAt, over
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.store import Store


class RuleView(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as it is shown."""

    rule: ShownRule
    name: str
    terms: tuple[str, ...]
    state: State
    word: str


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it is shown: what it covers, in words; the signatures over its entry; whether I may release it."""

    hold: Hold
    covers: tuple[str, ...]
    state: State
    word: str
    signed: tuple[LookedAt, ...]
    releases: bool


def rule_view(one: ShownRule) -> RuleView:
    """A rule in force, in words."""
    word = "retention.built-in" if one.index is None else "retention.own"
    return RuleView(
        rule=one,
        name=message(f"retention.class.{one.retention.value}"),
        terms=tuple(term_text(term) for term in one.terms),
        state=State.HOLDS,
        word=message(word, index=one.index or 0),
    )


def hold_view(store: Store, one: Hold, caller: Caller) -> HoldView:
    """A hold as this caller sees it."""
    scope = one.scope
    covers = [message("holds.of-log", log=scope.log)]
    if scope.source is not None:
        covers.append(message("holds.of-source", source=one_line(scope.source)))
    if scope.subject is not None:
        kind = message(f"link.{scope.subject.kind.value}")
        covers.append(message("holds.of-subject", kind=kind, id=one_line(scope.subject.id)))
    if scope.from_at is not None:
        covers.append(message("holds.from", at=scope.from_at))
    if scope.until_at is not None:
        covers.append(message("holds.until", at=scope.until_at))
    if scope.entries:
        covers.append(message("holds.entries", entries=", ".join(map(str, scope.entries[:20]))))
    with store.reading() as connection:
        system = next(log for log in read_logs(connection) if log.number == SYSTEM_LOG)
        signed = tuple(over(store, connection, system, one.index))
    in_force = one.released is None
    mine = caller.account == one.placed_by
    return HoldView(
        hold=one,
        covers=tuple(covers),
        state=State.HOLDS if in_force else State.UNKNOWN,
        word=message("holds.in-force") if in_force else message("holds.released", by=one.released_by or ""),
        signed=signed,
        releases=in_force and caller.person and caller.allows(Scope.APPROVE, scope.log) and not mine,
    )


def instant_of(text: str) -> str | None:
    """What somebody typed as an instant: a day, or as entries write it; None for nothing."""
    text = text.strip()
    if not text:
        return None
    whole = f"{text}T00:00:00.000000Z" if len(text) == len("2026-11-25") else text
    try:
        return utc_text(parse_utc(whole))
    except NotCanonical:
        raise SchemaViolation(f"{text[:40]!r} is no day", advice="Write it as 2026-11-25.") from None


def numbers_of(text: str) -> tuple[int, ...]:
    """Entries as `1, 2, 7`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdecimal() and len(part) < 14 for part in parts):
        raise SchemaViolation("entries are numbers", advice="Write them as 1, 2, 7.")
    return tuple(int(part) for part in parts)
