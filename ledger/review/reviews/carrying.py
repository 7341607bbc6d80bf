"""What a review by exception may rest on: rules that are validated, and the records that these could judge.

All else is looked at, one and all: a rule that is not validated only informs, and what a rule cannot assess it has not
cleared.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.review import Carrying
from ledger.review.exceptions.examining import judged
from ledger.review.exceptions.knowing import known_since
from ledger.review.exceptions.left import newest
from ledger.review.life.states import standings
from ledger.review.rules import RuleFailed, rules
from ledger.review.rules.rule import Said
from ledger.sources.parameters import Parameters
from ledger.store.store import Store

_JUDGED: Final = frozenset({Said.CLEAR, Said.EXPLAINED, Said.FINDING})


def carrying(store: Store, connection: Connection, log: LogId, size: int) -> tuple[Carrying, ...]:
    """The rules on which a review of this log may rest as of a size."""
    return tuple(
        Carrying(rule=one.about.id, version=one.about.version, entry=one.entry)
        for one in standings(store, connection, log, size)
        if one.carries and one.entry is not None
    )


def uncarried(
    store: Store,
    connection: Connection,
    parameters: Parameters,
    log: LogId,
    size: int,
    by: Iterable[Carrying],
    indices: Iterable[int],
) -> list[int]:
    """Those of these records, in order, of which none of these rules could say whether it finds something."""
    left, known = set(indices), None
    for one in by:
        if not left:
            break
        if known is None:
            last = newest(connection, log.number)
            known = known_since(connection, store.kinds, parameters, log.number, size, last)
        try:
            left -= {
                told.index
                for told, verdict in judged(rules()[one.rule], left, known)
                if verdict is not None and verdict.said in _JUDGED
            }
        except RuleFailed:
            continue  # it carries nothing; that it fails is told where the review is concluded
    return sorted(left)
