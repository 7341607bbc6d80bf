"""Whether the map of identities would give an account to two persons at once."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import islice, pairwise
from typing import Any, Final

from sqlalchemy import Connection, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import SchemaViolation
from ledger.sources import tables as t
from ledger.sources.map_kinds import IdentityMapped

_AT_ONCE: Final = 500
_Line = tuple[int, int | None, str]
"""From when to when (None: until it is replaced) an account is whose."""


def require_one_person(connection: Connection, log: int, entries: Iterable[Any]) -> None:
    """Raises SchemaViolation where these identities, beside those that stand, give an account to a second person before
    the first one's time is over: what several people use is shared, and nobody's.

    An identity without an end holds until the next one begins, and an entry for the same moment corrects what stood.
    """
    wanted: dict[tuple[str, str], dict[int, _Line | None]] = defaultdict(dict)
    for one in entries:
        if isinstance(one, IdentityMapped):
            since = parse_utc(one.valid_from)
            until = None if one.valid_to is None else parse_utc(one.valid_to)
            line = None if one.person is None else (since, until, one.person)
            wanted[one.source, one.account][since] = line
    keys = iter(wanted)
    while some := list(islice(keys, _AT_ONCE)):
        for source, account, since, until, person in _standing(connection, log, some):
            if person is not None:
                wanted[source, account].setdefault(since, (since, until, person))
    for (source, account), lines in wanted.items():
        for first, second in pairwise(sorted(line for line in lines.values() if line is not None)):
            if first[2] != second[2] and first[1] is not None and second[0] < first[1]:
                raise SchemaViolation(
                    f"account {account!r} of {source!r} is {first[2]!r}'s until {utc_text(first[1])}, and would be "
                    f"{second[2]!r}'s from {utc_text(second[0])} on",
                    advice="Correct where the first one's time ends; what several people use is shared, and nobody's.",
                )


def _standing(connection: Connection, log: int, some: list[tuple[str, str]]) -> Iterable[Any]:
    row, known = t.identity.c, set(some)
    found = connection.execute(
        select(row.source, row.account, row.from_us, row.to_us, row.person).where(
            row.log == log,
            row.to_index.is_(None),
            row.source.in_({source for source, _ in some}),
            row.account.in_({account for _, account in some}),
        )
    )
    return (line for line in found if (line.source, line.account) in known)
