"""Proposes changes of configuration, withdraws and lists them."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
from sqlalchemy import Connection, select

from ledger.changes.altering import Altering, altering
from ledger.changes.reading import Key, Standing, keys_of, read_standing
from ledger.changes.registry import checked, require_possible
from ledger.changes.rehearsing import Opens
from ledger.changes.tables import gmp_change
from ledger.core.address import LogId, parse_address
from ledger.core.authority import Authority
from ledger.core.change import MAX_LINES, MEDIA_TYPE, Altered, ChangeEntry, ChangeEvent, ChangeState, line_of
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, ChangeRequestRequired, ConfigError, Conflict, SchemaViolation
from ledger.core.kinds import kind_of
from ledger.core.record import Original
from ledger.people.administration import in_force
from ledger.people.changeable import scope_of
from ledger.people.credentials import read_grants, right_of
from ledger.sources.kinds import MappingAdopted
from ledger.sources.prepare import keep_original
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_WRITER = ("ledger.changes", "1")
"""What the lines of a proposal are read by, and its version."""


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A new proposal: its name and entry, and what of the past it would say otherwise of: the first, and how much."""

    change: str
    index: int
    altered: tuple[Altered, ...] = ()
    altered_count: int = 0


class Proposals:
    """The changes of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store, readable: Callable[[str], object], opens: Opens) -> None:
        """`readable`: reads the text of a mapping; raises ConfigError for what is none. `opens`: an assessor."""
        self._store = store
        self._readable = readable
        self._opens = opens

    def checked(self, log: LogId, body: msgspec.Struct) -> msgspec.Struct:
        """The body as it is entered, if it can be configuration of that log; raises SchemaViolation."""
        made = checked(log.number, body)
        if isinstance(made, MappingAdopted) and made.text is not None:
            try:
                self._readable(made.text)
            except ConfigError as error:
                raise SchemaViolation(error.message, advice=error.advice) from None
        return made

    def propose(
        self, log: LogId, bodies: Sequence[msgspec.Struct], request: str | None, reason: str, authority: Authority
    ) -> Proposed:
        """Proposes that these bodies be entered, all of them or none; returns once the proposal is durable.

        Their own authority is not kept: theirs is that of who brings the change about. Raises ChangeRequestRequired,
        AccessDenied for nobody who is known or may set it, SchemaViolation for what could not be entered, for none or
        more than 10,000, and for two entries that say what the same thing is.
        """
        if not (request or "").strip():
            raise ChangeRequestRequired("the change names no change request")
        if not authority.authenticated:
            raise AccessDenied(
                "configuration is proposed by somebody who is known, so that a second person can approve it",
                advice="Sign in, or give a token (TRAILSEAL_CREDENTIAL).",
            )
        if not 0 < len(bodies) <= MAX_LINES:
            raise SchemaViolation(
                f"a change of {len(bodies)} entries", advice=f"Propose between 1 and {MAX_LINES} at once: split it."
            )
        made = [self.checked(log, body) for body in bodies]
        kinds = tuple(sorted({kind_of(type(body)) for body in made}))
        with self._store.reading() as connection:  # before anything is tried out for somebody
            self._require_right(connection, log, kinds, authority)
        alters = self._alters(log, made)
        lines = b"".join(line_of(body) + b"\n" for body in made)
        ref, item = keep_original(
            Original(data=lines, media_type=MEDIA_TYPE, parser=_WRITER[0], parser_version=_WRITER[1])
        )
        entry = ChangeEntry(
            change=secrets.token_hex(8),
            event=ChangeEvent.PROPOSED,
            request=(request or "").strip(),
            kinds=kinds,
            count=len(made),
            reason=reason,
            authority=authority,
            original=ref,
            back_to=alters.back_to,
            altered=alters.altered,
            altered_count=alters.total,
        )

        def check(transaction: Transaction) -> None:
            self._require_right(transaction.connection, log, kinds, authority)

        batch = Batch([draft(valid(entry), (item,))], before=check)
        index = self._store.append(log.number, batch)[0].index
        return Proposed(change=entry.change, index=index, altered=alters.altered, altered_count=alters.total)

    def withdraw(self, log: LogId, change: str, reason: str, authority: Authority) -> int:
        """Takes back a proposal that waits; returns the entry's index. Raises NotFound, Conflict, AccessDenied."""
        with self._store.reading() as connection:
            was = read_standing(self._store, connection, log, change).proposal
        entry = event_of(was, ChangeEvent.WITHDRAWN, reason, authority)

        def check(transaction: Transaction) -> None:
            require_waiting(read_standing(self._store, transaction.connection, log, change), transaction)
            self._require_right(transaction.connection, log, was.kinds, authority)
            decide(transaction, change)

        return self._store.append(log.number, Batch([draft(entry)], before=check))[0].index

    def get(self, log: LogId, change: str) -> Standing:
        """A change as it stands; raises NotFound."""
        with self._store.reading() as connection:
            return read_standing(self._store, connection, log, change)

    def all(
        self, log: LogId, state: ChangeState | None = None, before: int | None = None, limit: int | None = None
    ) -> list[Standing]:
        """The changes of a log by their last entry, the newest first: those in a state, of an entry before `before`."""
        row = gmp_change.c
        wanted = [row.log == log.number, row.to_index.is_(None)]
        wanted += [] if state is None else [row.state == state.value]
        wanted += [] if before is None else [row.from_index < before]
        with self._store.reading() as connection:
            names = connection.scalars(
                select(row.key).where(*wanted).order_by(row.from_index.desc()).limit(limit)
            ).all()
            return [read_standing(self._store, connection, log, name) for name in names]

    def _require_right(self, connection: Connection, log: LogId, kinds: Iterable[str], authority: Authority) -> None:
        """Raises AccessDenied unless who is known, and proposes or withdraws, may set what it is about there."""
        scope = scope_of(kinds)
        site = None if log.number == SYSTEM_LOG else log.name
        relied, now = {parse_address(one).index for one in authority.entries}, self._store.clock.now_us()
        for grant, index in read_grants(self._store, connection, authority.actor):
            if index in relied and in_force(grant, now) and right_of(grant, index).allows(scope, site, None):
                return
        if authority.authenticated:
            raise AccessDenied(f"{authority.actor} holds no grant with scope {scope.value!r} for this")

    def _alters(self, log: LogId, bodies: Sequence[msgspec.Struct]) -> Altering:
        """What the bodies say otherwise of; raises SchemaViolation for two that say what the same thing is, and as
        `registry.require_possible`.
        """
        seen: dict[Key, int] = {}
        with self._store.reading() as connection:
            live = self._store.projections.read_live(connection)
            for number, body in enumerate(bodies, start=1):
                for key in keys_of(live, log.number, body):
                    if key in seen:
                        raise SchemaViolation(
                            f"entries {seen[key]} and {number} of the change both say what {key[0]} {key[1]} is",
                            advice="Leave one of them out.",
                        )
                    seen[key] = number
            now_us = self._store.clock.now_us()
            require_possible(self._store, connection, log.number, bodies, now_us)
            return altering(self._store, connection, log, bodies, now_us, self._opens)


def require_waiting(standing: Standing, transaction: Transaction) -> None:
    """Raises Conflict unless the change waits, also after what else is in this group commit."""
    name = standing.proposal.change
    if not standing.waits or transaction.scratch.get(("change", name)):
        state = "decided" if standing.waits or standing.change.state is None else standing.change.state.value
        raise Conflict(f"change {name!r} is {state} already", advice="Propose anew what is still wanted.")


def decide(transaction: Transaction, change: str) -> None:
    """From here on the change waits no more, for what else is in this group commit."""
    transaction.scratch["change", change] = True


def event_of(
    proposal: ChangeEntry, event: ChangeEvent, reason: str, authority: Authority, signature: str | None = None
) -> ChangeEntry:
    """A later event of a proposed change."""
    return valid(
        ChangeEntry(
            change=proposal.change,
            event=event,
            request=proposal.request,
            kinds=proposal.kinds,
            count=proposal.count,
            reason=reason,
            authority=authority,
            signature=signature,
        )
    )


def valid(entry: ChangeEntry) -> ChangeEntry:
    """The entry, if it can be one; raises SchemaViolation."""
    try:
        return msgspec.convert(msgspec.to_builtins(entry), ChangeEntry)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"the change cannot be so: {error}", advice="Correct what is named.") from None


def pending(proposals: Proposals, logs: Sequence[LogId]) -> Iterator[Standing]:
    """The changes of these logs that wait."""
    for log in logs:
        yield from proposals.all(log, ChangeState.PROPOSED)
