"""Renews time-stamps: a newer one over the tree of all of them, before what they rest on ages (`core.renewals`)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec
from sqlalchemy import Connection, select

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import Conflict, IntegrityError, LedgerError, NotFound, TimestampInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.kinds import KindRegistry
from ledger.core.passkey import b64url, unb64url
from ledger.core.renewals import DISTRUSTED, Tree, Weak, leaf_of, require_sound, roots_at, statement
from ledger.core.timestamp_entries import TimestampEntry, TimestampRenewalEntry, Tsas
from ledger.core.timestamps import SHA512, new_request, verify_time_stamp
from ledger.store import schema
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.stamping import Answer, Ask
from ledger.trust.timestamp_reading import read_body, read_tsas
from ledger.trust.timestamp_tables import time_stamp, time_stamp_renewal


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """A renewal that holds: all before entry `high` was there by `by_us`."""

    index: int
    high: int
    by_us: int


class WrongRenewal(IntegrityError):
    """A renewal that does not hold; `index` is its entry."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index = index


class Renewals:
    """The renewals of a system log that hold."""

    def __init__(self, found: Sequence[Renewal] = ()) -> None:
        self._found = tuple(found)

    @property
    def held(self) -> tuple[Renewal, ...]:
        """All of them, in the order of the log."""
        return tuple(sorted(self._found, key=lambda one: one.index))

    def by(self, index: int) -> int | None:
        """When the first of them says that the time-stamp at an entry was there (µs); None where none covers it."""
        return min((one.by_us for one in self._found if one.high > index), default=None)


def read_renewals(
    kinds: KindRegistry, connection: Connection, tsas: Tsas, weak: Weak = DISTRUSTED, first: int = 0
) -> Renewals:
    """Every renewal from entry `first` on, each verified again over the time-stamps that it covers; raises WrongRenewal
    for the first that is not over these. One that is doubtful by now, and not renewed in time, renews nothing.
    """
    row = time_stamp_renewal.c
    entered = select(row.pos).where(row.pos >= pos_of(SYSTEM_LOG, first)).order_by(row.pos)
    indices = [index_of(pos) for pos in connection.scalars(entered).all()]
    bodies = {index: read_body(kinds, connection, index, TimestampRenewalEntry)[0] for index in indices}
    if not bodies:
        return Renewals()
    origin = _origin(connection)
    in_order = sorted(bodies, key=lambda index: (bodies[index].high, index))
    trees = roots_at(leaves(kinds, connection), (bodies[index].high for index in in_order))
    for index, (high, tree) in zip(in_order, trees, strict=True):
        body = bodies[index]
        if high > index or (body.count, unb64(body.root, 64)) != (tree.size, tree.root()):
            raise WrongRenewal(index, "the time-stamps before it are not those that it renewed")
    found: list[Renewal] = []
    for index in reversed(indices):
        body = bodies[index]
        try:
            # Whether it was renewed in time, if it has to be, is judged below.
            stamp = tsas.verify(index, body, statement(origin, body.high, body.count, body.root), {}, 0)
        except LedgerError as error:
            raise WrongRenewal(index, error.message) from None
        with suppress(TimestampInvalid):
            require_sound(stamp, weak, Renewals(found).by(index))
            found.append(Renewal(index=index, high=body.high, by_us=stamp.by_us))
    return Renewals(found)


def leaves(kinds: KindRegistry, connection: Connection, high: int | None = None) -> Iterator[tuple[int, bytes]]:
    """What stands in the tree for each time-stamp and renewal, by their entries, in order."""
    both = select(time_stamp.c.pos).union_all(select(time_stamp_renewal.c.pos)).subquery()
    indices = [index_of(pos) for pos in connection.scalars(select(both.c.pos).order_by(both.c.pos))]
    origin = _origin(connection)
    for index in indices:
        if high is not None and index >= high:
            return
        body, _ = read_body(kinds, connection, index, msgspec.Struct)
        if isinstance(body, TimestampEntry):
            text = Checkpoint(origin=body.origin, size=body.size, root=unb64(body.root, 32)).text().encode()
        elif isinstance(body, TimestampRenewalEntry):
            text = statement(origin, body.high, body.count, body.root)
        else:
            raise IntegrityError(f"a table names entry {index} of the system log as a time-stamp")
        yield index, leaf_of(text, unb64url(body.token), map(unb64url, body.revocation))


class Renewing:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, ask: Ask) -> None:
        self._store = store
        self._ask = ask

    def renew(self, tsa: str | None = None) -> list[Answer]:
        """Has all time-stamps renewed by each authority in force, or that one.

        Raises NotFound where there is no such authority, Conflict where there are no time-stamps.
        """
        kinds = self._store.kinds
        with self._store.reading() as connection:
            high = LogReader(connection, SYSTEM_LOG).head().size
            asked = [one for one in read_tsas(kinds, connection).in_force(high) if tsa in (None, one.tsa)]
            if not asked:
                raise NotFound("no such time-stamp authority is asked", advice="See `trailseal timestamp list`.")
            tree, origin = Tree(), _origin(connection)
            for _, leaf in leaves(kinds, connection, high):
                tree.add(leaf)
        if not tree.size:
            raise Conflict("there are no time-stamps to be renewed yet")
        message = statement(origin, high, tree.size, b64(tree.root()))
        answers = []
        for one in asked:
            request = new_request(message, SHA512)
            try:
                token = self._ask(one.url, request.data)
                stamp = verify_time_stamp(token, message, one.pins, request.nonce)
            except LedgerError as error:
                answers.append(Answer(tsa=one.tsa, origin=origin, size=high, error=error.message))
                continue
            entry = TimestampRenewalEntry(
                tsa=one.tsa,
                proposed=one.proposed,
                high=high,
                count=tree.size,
                root=b64(tree.root()),
                gen_time=utc_text(stamp.gen_us),
                accuracy_us=stamp.accuracy_us,
                token=b64url(token),
            )

            def counts(transaction: Transaction, proposed: int = one.proposed) -> None:
                now = read_tsas(kinds, transaction.connection).by_proposal(proposed)
                if now is None or not now.counts(transaction.next_index):
                    raise NotFound("the time-stamp authority was withdrawn meanwhile")

            placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=counts))
            answers.append(
                Answer(tsa=one.tsa, origin=origin, size=high, index=placed[0].index, gen_time=entry.gen_time)
            )
        return answers


def _origin(connection: Connection) -> str:
    row = schema.ledger_log.c
    return connection.scalar(select(row.origin).where(row.number == SYSTEM_LOG)) or ""
