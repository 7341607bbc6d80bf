"""What may be disposed of now, and why the rest stays: read, never written."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import decode_leaf
from ledger.core.hashing import b64, leaf_hash
from ledger.core.record import RecordBody
from ledger.core.retention import Item
from ledger.retention.disposal_kinds import PART, Group
from ledger.retention.judging import Judge, Judged
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.search import oldest

MOST: Final = 20_000
"""Records that one request disposes of at most."""
LOOKED_AT: Final = 100_000
"""Records that one plan looks at, at most; it says where to go on."""
SAMPLE: Final = 10


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the records that a query matches from an index on.

    `stay`: how many stay, by why: `case` (`cases` names the integrity incidents), `hold`, `not-over`, `missing` (a
    fact), `no-time` (no witness or time-stamp vouches for any time yet), `permanent`. `next_index`: where to go on;
    None: all were looked at. `sample` are some of the records that may go, spread over all of them.
    """

    log: str
    looked_at: int
    total: int
    sample: tuple[int, ...]
    stay: Mapping[str, int]
    missing: tuple[str, ...]
    cases: tuple[str, ...]
    proven_at: str | None
    next_index: int | None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with the groups that a request lists."""

    plan: Plan
    groups: tuple[Group, ...]


def plan(
    judge: Judge, connection: Connection, log: LogId, query: Query, low: int, proven_us: int | None, most: int = MOST
) -> Found:
    """Looks at what a query matches, oldest first, until `most` records are found that may go."""
    reader = LogReader(connection, log.number)
    size = reader.head().size
    grouped = Grouped()
    stay: dict[str, int] = {}
    missing: dict[str, None] = {}
    cases: dict[str, None] = {}
    looked, at = 0, low
    while looked < LOOKED_AT and grouped.total < most:
        indices = oldest(connection, log.number, size, query, at, min(PART, most - grouped.total))
        if not indices:
            at = size
            break
        for stored in reader.chosen(indices):
            judged, body = judge.judge(stored)
            if body is not None and judged.disposable(proven_us):
                leaf = decode_leaf(stored.leaf)
                grouped.add(judged, item_of(stored.index, stored.leaf, body), parse_utc(leaf.logged_at))
                continue
            why = _why(judged, proven_us)
            stay[why] = stay.get(why, 0) + 1
            if judged.case is not None:
                cases[judged.case] = None
            if judged.retained is not None and len(missing) < SAMPLE:
                for one in judged.retained.missing:
                    about = "" if one.subject is None else f" {one.subject.kind.value} {one.subject.id}"
                    missing[f"{one.event.value}{about}"] = None
        looked, at = looked + len(indices), indices[-1] + 1
    groups = grouped.groups()
    chosen = sorted(item.index for group in groups for item in group.items)
    step = max(1, len(chosen) // SAMPLE)
    return Found(
        plan=Plan(
            log=log.name,
            looked_at=looked,
            total=len(chosen),
            sample=tuple(chosen[::step][:SAMPLE]),
            stay=stay,
            missing=tuple(missing),
            cases=tuple(cases),
            proven_at=None if proven_us is None else utc_text(proven_us),
            next_index=at if at < size else None,
        ),
        groups=groups,
    )


def item_of(index: int, leaf: bytes, body: RecordBody) -> Item:
    """How a record is listed."""
    return Item(index=index, leaf_hash=b64(leaf_hash(leaf)), digest=body.digest.hmac)


class Grouped:
    """Puts records together of which the same reasons hold."""

    def __init__(self) -> None:
        self._groups: dict[tuple[object, ...], list[Item]] = {}
        self._judged: dict[tuple[object, ...], Judged] = {}
        self._last: dict[tuple[object, ...], tuple[int, int]] = {}
        self.total = 0

    def add(self, judged: Judged, item: Item, logged_us: int) -> None:
        """A record that may go."""
        assert judged.retained is not None
        assert judged.retained.until_us is not None
        rule = judged.retained.rule
        key = (judged.source, judged.classes, judged.subjects, judged.retained.facts, rule.entry)
        self._groups.setdefault(key, []).append(item)
        self._judged[key] = judged
        until, last = self._last.get(key, (judged.retained.until_us, logged_us))
        self._last[key] = (max(until, judged.retained.until_us), max(last, logged_us))
        self.total += 1

    def groups(self) -> tuple[Group, ...]:
        """All groups, each of at most `PART` records."""
        return tuple(self._made())

    def _made(self) -> Iterator[Group]:
        for key, items in self._groups.items():
            judged, (until_us, last_us) = self._judged[key], self._last[key]
            assert judged.retained is not None
            entry = judged.retained.rule.entry
            for at in range(0, len(items), PART):
                yield Group(
                    source=judged.source or "",
                    classes=judged.classes,
                    until=utc_text(until_us),
                    items=tuple(items[at : at + PART]),
                    subjects=judged.subjects,
                    rules=() if entry is None else (entry,),
                    facts=judged.retained.facts,
                    logged_at=utc_text(last_us),
                )


def parts_of(groups: tuple[Group, ...]) -> list[tuple[Group, ...]]:
    """The groups in parts of at most `PART` records, as entries list them."""
    parts: list[list[Group]] = []
    room = 0
    for group in groups:
        items = group.items
        while items:
            if not room:
                parts.append([])
                room = PART
            parts[-1].append(msgspec.structs.replace(group, items=items[:room]))
            taken = min(room, len(items))
            items, room = items[taken:], room - taken
    return [tuple(part) for part in parts]


def _why(judged: Judged, proven_us: int | None) -> str:
    if judged.case is not None:
        return "case"
    if judged.retained is None:
        return "permanent" if judged.disposed is None else "disposed"
    if judged.hold is not None:
        return "hold"
    if judged.retained.until_us is None:
        return "missing" if judged.retained.missing else "permanent"
    return "no-time" if proven_us is None else "not-over"
