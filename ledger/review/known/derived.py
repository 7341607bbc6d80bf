"""Whether records can be derived again from the bytes that their source gave."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, select

from ledger.core import canonical
from ledger.core.digests import Digests
from ledger.core.errors import LedgerError
from ledger.core.hashing import unb64
from ledger.core.record import Original, Record
from ledger.review.alcoa.attributes import Verdict
from ledger.review.known.facts import Told
from ledger.store import schema
from ledger.store.position import index_of, pos_of

Derive = Callable[[Told, Original], Record | None]
"""The record that an original gives; None: the program that read it is not there. Raises for one that gives none."""
_AT_ONCE: Final = 256


def derived(
    connection: Connection, log: int, digests: Digests, derive: Derive, asked: Iterable[Told]
) -> Mapping[int, Verdict]:
    """For each record, by its index, what deriving it anew came to.

    What is compared is the content as it was before anything of it was sealed: by its keyed digest.
    """
    told = {one.index: one for one in asked}
    found = dict.fromkeys(told, Verdict.NO_ORIGINAL)
    wanted = [one.index for one in told.values() if one.body.original is not None]
    row = schema.original.c
    for at in range(0, len(wanted), _AT_ONCE):
        places = [pos_of(log, index) for index in wanted[at : at + _AT_ONCE]]
        for pos, data in connection.execute(select(row.pos, row.data).where(row.pos.in_(places))):
            found[index_of(pos)] = _derived(told[index_of(pos)], bytes(data), digests, derive)
    return found


def _derived(told: Told, data: bytes, digests: Digests, derive: Derive) -> Verdict:
    reference, digest = told.body.original, told.body.digest
    assert reference is not None
    original = Original(
        data=data,
        media_type=reference.media_type,
        parser=reference.parser,
        parser_version=reference.parser_version,
    )
    try:
        record = derive(told, original)
        if record is None or digest.key not in digests.keys:
            return Verdict.NO_PARSER if record is None else Verdict.NO_ORIGINAL
        made = digests.every(canonical.encode_struct(record))[digests.keys.index(digest.key)]
    except LedgerError:
        return Verdict.NOT_DERIVED
    return Verdict.HOLDS if made == unb64(digest.hmac) else Verdict.NOT_DERIVED
