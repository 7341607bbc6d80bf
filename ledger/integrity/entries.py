"""Entries as projectors see them, read for a replay: canonical JSON of their schema.

Whether their bytes are those that the log committed to is level 1's question.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import leaf_hash
from ledger.core.kinds import KindRegistry
from ledger.store.gone import Gone
from ledger.store.position import pos_of
from ledger.store.reading import LogReader

RANGE = 1024
"""Entries fetched at once."""


class Unreadable(IntegrityError):
    """An entry that is missing, has no body, or whose body is not the canonical form of one of its kind."""

    def __init__(self, index: int, what: str) -> None:
        super().__init__(what)
        self.index = index


def read_entries(
    connection: Connection, log: int, low: int, high: int, kinds: KindRegistry, gone: Gone | None = None
) -> Iterator[Entry]:
    """The entries from `low` to before `high`, in order; raises Unreadable at the first that can't be read.

    Those that were disposed of, as `gone` finds them named, are passed over; without it none may be.
    """
    reader = LogReader(connection, log)
    index = low
    for at in range(low, high, RANGE):
        until = min(high, at + RANGE)
        named = {} if gone is None else gone.within(connection, pos_of(log, at), pos_of(log, until))
        for pos, data, _, body in reader.rows(at, until):
            if pos != pos_of(log, index):
                raise Unreadable(index, "the entry is missing")
            if body is None and gone is not None and (pos in named or gone.names(connection, pos, leaf_hash(data))):
                index += 1
                continue
            if body is None:
                raise Unreadable(index, "the body is missing")
            if pos in named:
                raise Unreadable(index, "the body is still there, and an entry says that it was disposed of")
            try:
                leaf = decode_leaf(data)
                logged_us, decoded = parse_utc(leaf.logged_at), kinds[leaf.kind].decode(body)
                # An unknown or doubled member, another order, spacing, escape or number would not come out again.
                same = canonical.encode_struct(decoded) == body
            except (LedgerError, TypeError) as error:
                raise Unreadable(index, str(error)) from None
            if not same:
                raise Unreadable(index, "the body is not in canonical form")
            yield Entry(log=log, index=index, kind=leaf.kind, logged_us=logged_us, body=decoded)
            index += 1
    if index != high:
        raise Unreadable(index, "the entry is missing")
