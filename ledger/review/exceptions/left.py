"""What a run of the rules leaves to the next one: what waits, and how far records reach around their moments."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import VaultItem
from ledger.core.members import Members
from ledger.core.record import Original, OriginalRef
from ledger.core.rule_run import RULE_RUN, RuleRun
from ledger.review.exceptions import tables as t
from ledger.review.known.reach import Stretches
from ledger.sources.prepare import keep_original
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, VaultReader, body_of

_KEPT: Final = "trailseal-waiting", "2"
MEDIA_TYPE: Final = "application/json"


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Which records (`core.members`) a rule looks at again in the next run."""

    rule: str
    members: str


class _Left(msgspec.Struct, frozen=True, kw_only=True):
    waiting: tuple[Waiting, ...]
    reach: dict[str, list[tuple[int, int, int]]]


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """The newest run: its entry (None: there was none), up to where it looked, what waits by rule, and which
    `versions` of rules looked.

    `reach` (`known.reach`): of all records below `size`; None: runs did not keep it yet.
    """

    entry: int | None
    size: int
    waiting: Mapping[str, Members]
    versions: Mapping[str, int]
    reach: Stretches | None


def newest(connection: Connection, log: int) -> Last:
    """What the newest run over a log left."""
    row = t.rule_run.c
    last = connection.execute(
        select(row.pos, row.size)
        .where(row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0))
        .order_by(row.pos.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Last(entry=None, size=0, waiting={}, versions={}, reach={})
    entry = index_of(last.pos)
    ran = body_of(LogReader(connection, log).entry(entry), RULE_RUN, RuleRun)
    kept = VaultReader(connection).original(log, entry)
    # The first version is a list of what waits, and is not kept where nothing does.
    found = [] if kept is None else msgspec.json.decode(kept.value, type=_Left | list[Waiting])
    waiting, reach = (found.waiting, found.reach) if isinstance(found, _Left) else (found, None)
    return Last(
        entry=entry,
        size=last.size,
        waiting={one.rule: Members.read(one.members) for one in waiting},
        versions={one.rule: one.version for one in ran.rules},
        reach=reach,
    )


def kept(waiting: Mapping[str, Sequence[int]], reach: Stretches) -> tuple[OriginalRef, VaultItem]:
    """What a run leaves, by rule the records that wait: how its entry names it, and the vault's item."""
    parser, version = _KEPT
    left = _Left(
        waiting=tuple(
            Waiting(rule=name, members=Members.of(sorted(set(of))).text) for name, of in waiting.items() if of
        ),
        reach={source: list(of) for source, of in reach.items()},
    )
    data = msgspec.json.encode(left)
    return keep_original(Original(data=data, media_type=MEDIA_TYPE, parser=parser, parser_version=version))
