"""What no system records, entered by people: a page of paper with its scan, an observation, a correction.

Each is a record like any other, of a source of the type `BY_HAND`, and directly after it stands the entry that says
that it was entered by hand, by whom and why. Nobody checks what they entered themselves. A correction points to the
record that it corrects, and both stay.
"""

import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, select

from ledger.core.address import Address, LogId, parse_address
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.digests import Digests
from ledger.core.entry import Draft, decode_leaf, draft
from ledger.core.errors import ConfigError, Conflict, NotFound, SchemaViolation, SelfApproval
from ledger.core.kinds import RECORD
from ledger.core.parameters import ParameterName, Profile, Range, Value
from ledger.core.ranges import inside, told
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Link,
    LinkBasis,
    LinkKind,
    Maybe,
    Original,
    OriginalRef,
    Outcome,
    Record,
    RecordBody,
    Submission,
    Target,
)
from ledger.core.scans import media_type_of
from ledger.core.sealing import check_members
from ledger.core.source import BY_HAND, SourceConfig
from ledger.core.times import SourceTime
from ledger.sources import tables as t
from ledger.sources.hand_kinds import BY_HAND_KIND, ByHand, HandEvent, HandPaper, HandSort, HandState
from ledger.sources.inventory import Inventory
from ledger.sources.life import require_open, standing
from ledger.sources.parameters import Parameters
from ledger.sources.prepare import Preparer
from ledger.sources.reasons import require_known, require_reason
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import read_logs
from ledger.store.reading import LogReader, body_of
from ledger.store.store import Store

AHEAD_US: Final = 60_000_000
"""How far after now, by our clock, what somebody saw may have happened by theirs."""
SHOWN: Final = 500
_OVER: Final = frozenset({HandState.CHECKED, HandState.REFUSED})


class NewHand(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody enters. `object`, `action`, `occurred_at`, `changes`, `links` and `outcome` are the record's.

    `done_by`: who did it, where that is somebody else than who enters it. `stated_reason`: why it was done, as the
    paper says; `reason`: why it is entered by hand. `source`: null where the log has one source of that type.
    `out_of_range`: why a value outside its range is right all the same; then a second person has to look.
    """

    sort: HandSort
    object: Target
    action: Action
    occurred_at: SourceTime
    reason: str
    source: str | None = None
    done_by: str | None = None
    stated_reason: str | None = None
    outcome: Outcome = Outcome.SUCCESS
    changes: tuple[Change, ...] = ()
    links: tuple[Link, ...] = ()
    paper: HandPaper | None = None
    corrects: str | None = None
    out_of_range: str | None = None


class KnownHand(msgspec.Struct, frozen=True, kw_only=True):
    """What was entered by hand, as it stands: `index` and `address` are its record's, `entry` is where it was entered.

    `record` null: its content was disposed of. `checked_by` and `check_reason` say also who refused it, and why.
    """

    hand: str
    index: int
    address: str
    entry: int
    state: HandState
    sort: HandSort
    record: Record | None
    scan: OriginalRef | None
    paper: HandPaper | None
    corrects: str | None
    needs_check: bool
    out_of_range: str | None
    reason: str
    entered_by: str
    entered_at: str
    checked_by: str | None
    check_reason: str | None


class Hands:
    """What is entered by hand in one record log. Safe to use from any number of threads."""

    def __init__(
        self, store: Store, log: LogId, sources: Inventory, parameters: Parameters, digests: Callable[[], Digests]
    ) -> None:
        self._store = store
        self._log = log
        self._sources = sources
        self._parameters = parameters
        self._digests = digests

    def enter(self, new: NewHand, scan: bytes | None, authority: Authority, sees: Collection[str]) -> KnownHand:
        """Enters a record by hand, durable once this returns. `sees`: the logs, by name, that who enters may read.

        Raises SchemaViolation for what cannot be (a reason that says too little, a paper without its scan, a time to
        come, a value outside its range of which nothing says why it is right), NotFound for a record to correct that is
        not there or not to be seen, ConfigError where the log has no source of that type, AccessDenied unless somebody
        signed in.
        """
        require_known(authority)
        _check_sort(new, scan)
        now_us = self._store.clock.now_us()
        happened_us = _happened_us(new.occurred_at, now_us)
        original = None if scan is None else _original(scan)
        with self._store.reading() as connection:
            source = self._source(connection, new.source)
            of = source.id, new.object.type
            reason = require_reason(connection, self._parameters, self._log.number, now_us, new.reason, *of)
            profile = self._at(connection, ParameterName.PROFILE, of, happened_us)
            allowed = self._at(connection, ParameterName.RANGE, of, happened_us)
            beyond = _require_possible(new, allowed)
            if beyond is not None:
                beyond = require_reason(connection, self._parameters, self._log.number, now_us, beyond, *of)
            if new.corrects is not None:
                self._require_record(connection, new.corrects, sees)
        asked = isinstance(profile, Profile) and profile.hand_check
        entered = ByHand(
            hand=secrets.token_hex(8),
            event=HandEvent.ENTERED,
            record=0,
            sort=new.sort,
            reason=reason,
            authority=authority,
            paper=new.paper,
            corrects=new.corrects,
            needs_check=asked or beyond is not None,
            out_of_range=beyond,
        )
        _draft(entered)  # raises for what its members cannot be
        made = self._prepared(_record(new, entered.hand, source.id, authority.actor), source, original, now_us)

        def open_still(transaction: Transaction) -> None:
            require_open(standing(transaction.connection, self._log.number, source.id), source.id)

        def say(_: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            return [_draft(msgspec.structs.replace(entered, record=placed[0].index))]

        self._store.append(self._log.number, Batch([made], closing=say, before=open_still))
        return self.get(entered.hand)

    def check(self, hand: str, agrees: bool, reason: str, authority: Authority) -> KnownHand:
        """A second person has compared what was entered with what it was entered from, and agrees or does not.

        Raises SelfApproval for who entered it, Conflict where that was said before, NotFound, SchemaViolation.
        """
        require_known(authority)
        now_us = self._store.clock.now_us()
        with self._store.reading() as connection:
            entered = self._entered(connection, self._row(connection, hand).record)
            said = require_reason(connection, self._parameters, self._log.number, now_us, reason)
        if entered.authority.actor == authority.actor:
            raise SelfApproval(f"{authority.actor} entered it, and does not check it")

        def possible(transaction: Transaction) -> None:
            key = ("by-hand", hand)
            state = HandState(self._row(transaction.connection, hand).state)
            if state in _OVER or transaction.scratch.get(key):
                raise Conflict("a second person has said so already", advice="Look at it again.")
            transaction.scratch[key] = True

        event = HandEvent.CHECKED if agrees else HandEvent.REFUSED
        body = msgspec.structs.replace(entered, event=event, reason=said, authority=authority)
        self._store.append(self._log.number, Batch([_draft(body)], before=possible))
        return self.get(hand)

    def get(self, hand: str) -> KnownHand:
        """One, as it stands; raises NotFound."""
        with self._store.reading() as connection:
            return self._known(connection, self._row(connection, hand))

    def listed(self, state: HandState | None = None, before: int | None = None, limit: int = SHOWN) -> list[KnownHand]:
        """What was entered by hand, newest first; in this state, and of records before an entry, if they are given."""
        row = t.by_hand.c
        chosen = select(t.by_hand).where(row.log == self._log.number, row.to_index.is_(None))
        if state is not None:
            chosen = chosen.where(row.state == state.value)
        if before is not None:
            chosen = chosen.where(row.record < before)
        with self._store.reading() as connection:
            found = connection.execute(chosen.order_by(row.record.desc()).limit(limit)).all()
            return [self._known(connection, one) for one in found]

    def sources(self) -> list[SourceConfig]:
        """The sources of this log whose records are entered by hand."""
        return [one for one in self._sources.list() if one.type == BY_HAND]

    def _prepared(self, record: Record, source: SourceConfig, original: Original | None, now_us: int) -> Draft:
        preparer = Preparer(source.id, check_members(source.seal), self._digests())
        made = preparer.prepare(Submission(record=record, received_at=utc_text(now_us), original=original))
        if not isinstance(made, Draft):
            raise SchemaViolation(made.reason, advice="Correct what is named.")
        return made

    def _at(self, connection: Connection, name: ParameterName, of: tuple[str, str], at_us: int) -> Value | None:
        found = self._parameters.at(connection, self._log.number, None, name, *of, at_us)
        return None if found is None else found.value

    def _source(self, connection: Connection, wanted: str | None) -> SourceConfig:
        if wanted is not None:
            config = self._sources.as_of(connection, wanted, None)
            if config.type != BY_HAND:
                raise Conflict(
                    f"source {wanted!r} is of type {config.type}: its records are not entered by hand",
                    advice=f"Name a source of type {BY_HAND}.",
                )
            return config
        found = self.sources()
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigError(
                "several sources are entered by hand here",
                advice=f"Name one: {', '.join(one.id for one in found)}.",
            )
        raise ConfigError(
            f"log {self._log.name} has no source that is entered by hand",
            advice=f"Register one: `trailseal source add paper --type {BY_HAND}`.",
        )

    def _require_record(self, connection: Connection, text: str, sees: Collection[str]) -> None:
        """Raises NotFound unless the address is of a record of a log that who enters may read."""
        address = parse_address(text)
        log = next((one for one in read_logs(connection) if one.origin == address.origin and one.name in sees), None)
        found = (
            None
            if log is None
            else next(LogReader(connection, log.number).entries(address.index, address.index + 1), None)
        )
        if found is None or decode_leaf(found.leaf).kind != RECORD.name:
            raise NotFound(f"there is no record {text}", advice="Give its address as its page shows it: origin#index.")

    def _row(self, connection: Connection, hand: str) -> Row[tuple[object, ...]]:
        row = t.by_hand.c
        found = connection.execute(
            select(t.by_hand).where(row.log == self._log.number, row.key == hand, row.to_index.is_(None))
        ).one_or_none()
        if found is None:
            raise NotFound(f"nothing was entered by hand as {hand!r}", advice="See `trailseal hand list`.")
        return found

    def _entered(self, connection: Connection, record: int) -> ByHand:
        """The entry directly after the record, which says that it was entered by hand."""
        return self._said(connection, record + 1)[0]

    def _said(self, connection: Connection, index: int) -> tuple[ByHand, str]:
        stored = LogReader(connection, self._log.number).entry(index)
        return body_of(stored, BY_HAND_KIND, ByHand), decode_leaf(stored.leaf).logged_at

    def _known(self, connection: Connection, row: Row[tuple[object, ...]]) -> KnownHand:
        entered, entered_at = self._said(connection, row.record + 1)
        last = entered if row.from_index == row.record + 1 else self._said(connection, row.from_index)[0]
        checked = None if last.event is HandEvent.ENTERED else last
        stored = LogReader(connection, self._log.number).entry(row.record).body
        body = None if stored is None else RECORD.decode(stored)
        assert body is None or isinstance(body, RecordBody)
        return KnownHand(
            hand=entered.hand,
            index=row.record,
            address=str(Address(self._log.origin, row.record)),
            entry=row.record + 1,
            state=last.state,
            sort=entered.sort,
            record=None if body is None else body.record,
            scan=None if body is None else body.original,
            paper=entered.paper,
            corrects=entered.corrects,
            needs_check=entered.needs_check,
            out_of_range=entered.out_of_range,
            reason=entered.reason,
            entered_by=entered.authority.actor,
            entered_at=entered_at,
            checked_by=None if checked is None else checked.authority.actor,
            check_reason=None if checked is None else checked.reason,
        )


def _check_sort(new: NewHand, scan: bytes | None) -> None:
    """Each sort has what makes it one, and nothing of another."""
    if (new.sort is HandSort.CORRECTION) != (new.corrects is not None):
        raise SchemaViolation(
            "a correction, and nothing else, names the record that it corrects",
            advice="Give its address: origin#index.",
        )
    if new.sort is HandSort.PAPER and (new.paper is None or scan is None):
        raise SchemaViolation("a paper is entered with its id, title, place, and scan", advice="Scan it first.")


def _require_possible(new: NewHand, allowed: Value | None) -> str | None:
    """What is said of values outside their range; None where none is. Raises SchemaViolation where nothing is said."""
    beyond = [
        one
        for one in new.changes
        if isinstance(allowed, Range) and one.attribute == allowed.attribute and not _can_be(one.new, allowed)
    ]
    if not beyond:
        return None
    if new.out_of_range is None:
        assert isinstance(allowed, Range)
        raise SchemaViolation(
            f"{beyond[0].attribute} {beyond[0].new} is outside its range: {told(allowed)}",
            advice="Look at it again. If it is right, say why: a second person then has to check it.",
        )
    return new.out_of_range


def _can_be(value: Maybe, allowed: Range) -> bool:
    return value is None or value is msgspec.UNSET or inside(value, allowed)


def _original(scan: bytes) -> Original:
    return Original(data=scan, media_type=media_type_of(scan), parser="none", parser_version="1")


def _happened_us(told: SourceTime, now_us: int) -> int:
    if told.instant_us is None:
        raise SchemaViolation(
            f"{told.text!r} is no instant", advice="Write 2026-01-31T08:00:00+01:00, or name the zone of the time."
        )
    if told.instant_us > now_us + AHEAD_US:
        raise SchemaViolation(f"{told.text} is still to come")
    return told.instant_us


def _record(new: NewHand, hand: str, source: str, actor: str) -> Record:
    """The record; it belongs to its paper, so that whoever looks for that document finds it."""
    links = new.links
    if new.paper is not None:
        of_paper = Link(kind=LinkKind.DOCUMENT, id=new.paper.id, basis=LinkBasis.READ)
        links = links if of_paper in links else (*links, of_paper)
    return Record(
        source=source,
        source_record_id=hand,
        action=new.action,
        occurred_at=new.occurred_at,
        actor=Actor(account=actor, kind=ActorKind.PERSON, on_behalf_of=new.done_by, channel=BY_HAND),
        object=new.object,
        outcome=new.outcome,
        changes=new.changes,
        reason=new.stated_reason,
        links=links,
    )


def _draft(body: ByHand) -> Draft:
    """Converted, as what people type has not met the bounds of its members."""
    try:
        return draft(msgspec.convert(msgspec.to_builtins(body), ByHand))
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"entered by hand: {error}", advice="Correct what is named.") from None
