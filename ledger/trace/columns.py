"""The columns of a search's answer: what the page shows, and what an export writes, by the same names.

A column is made for many records at once. What the search's own table has needs no entry to be read; the others are
read off the entry's leaf or body, as it was logged.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.errors import InvalidEntry, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.record import Change, Link, LinkKind, RecordBody, Sealed
from ledger.core.times import SourceTime
from ledger.present.messages import message
from ledger.present.sentences import record_sentence
from ledger.present.times import claimed_text
from ledger.present.values import plain, value_text
from ledger.sources.hand_marks import Marks, marks_told
from ledger.sources.maps import Identity, Place
from ledger.sources.resolved import person_text, place_text

Cell = str | int | Sealed | None
"""What stands in a column: a text as it was logged, a number, that a value is sealed, or that there is none."""

T = TypeVar("T")
PERSON: Final = ("source", "actor", "at_us")
"""Columns of the search's table by which the identity map is asked."""
PLACE: Final = ("source", "object_id", "at_us")
"""Columns of the search's table by which the asset map is asked."""
DEFAULT: Final = ("index", "occurred_local", "sentence", "batch", "source")
"""What the page shows, and an export writes, where no columns are named."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """Records as they were read: columns of the search's table by name, and leaves and bodies where they are needed.

    A body is None where the entry is not readable as a record. `old`: the sources whose records were imported.
    `marks`: of those records that have any, where a column tells them; `persons` and `places` of each by the dated
    maps, likewise.
    """

    indices: Sequence[int]
    rows: Mapping[str, Sequence[Any]]
    leaves: Sequence[bytes]
    bodies: Sequence[RecordBody | None]
    zone: ZoneInfo
    old: frozenset[str]
    marks: Mapping[int, Marks]
    persons: Sequence[Identity | None] = ()
    places: Sequence[Place | None] = ()


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column: what it needs to be read, and how it is made.

    `reads`: its columns of the search's table. `coined`: no source's text stands in it, and hardly two have the same.
    """

    name: str
    make: Callable[[Read], Sequence[Cell]]
    reads: tuple[str, ...] = ()
    leaf: bool = False
    body: bool = False
    marked: bool = False
    person: bool = False
    place: bool = False
    coined: bool = False


def chosen(text: str | None) -> tuple[Column, ...]:
    """The columns that `a,b,c` names, in that order; raises SchemaViolation for one that there is not, or twice."""
    names = DEFAULT if not text else tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in COLUMNS:
            raise SchemaViolation(f"there is no column {name[:40]!r}", advice=f"There are: {', '.join(COLUMNS)}.")
    if len(set(names)) < len(names):
        raise SchemaViolation("a column is named twice", advice="Name each once.")
    return tuple(COLUMNS[name] for name in names)


def _row(name: str, member: str) -> Column:
    return Column(name=name, reads=(member,), make=lambda read: read.rows[member])


def _utc(name: str, member: str) -> Column:
    return Column(name=name, reads=(member,), make=lambda read: _utc_texts(read.rows[member]), coined=True)


def _of(name: str, value: Callable[[RecordBody], Cell]) -> Column:
    def make(read: Read) -> list[Cell]:
        return [None if body is None else value(body) for body in read.bodies]

    return Column(name=name, body=True, make=make)


_MINUTE: Final = 60_000_000
_DAY: Final = 1440 * _MINUTE
_MINUTES: Final = tuple(f"{one // 60:02}:{one % 60:02}:" for one in range(1440))
_THOUSANDTHS: Final = tuple(f"{one // 1000:02}.{one % 1000:03}" for one in range(60_000))
_MILLIONTHS: Final = tuple(f"{one:03}Z" for one in range(1000))


def _utc_texts(instants: Sequence[int | None]) -> list[str | None]:
    """Each instant as `utc_text` writes it; None for one that no calendar has."""
    minutes = _Minutes()
    try:
        # Put together from parts: three times a record would else be half of what an export costs.
        return [
            None
            if one is None
            else f"{minutes[one // _MINUTE]}{_THOUSANDTHS[(rest := one % _MINUTE) // 1000]}{_MILLIONTHS[rest % 1000]}"
            for one in instants
        ]
    except OverflowError:
        return [None if one is None else _utc_or_none(one) for one in instants]


class _Days(dict[int, str]):
    """How the text of each day that is asked for begins; raises OverflowError for one that no calendar has."""

    def __missing__(self, day: int) -> str:
        text = self[day] = utc_text(day * _DAY)[:11]
        return text


class _Minutes(dict[int, str]):
    """How the text of each minute that is asked for begins; raises OverflowError for one that no calendar has."""

    def __init__(self) -> None:
        super().__init__()
        self._days = _Days()

    def __missing__(self, minute: int) -> str:
        day, rest = divmod(minute, 1440)
        text = self[minute] = f"{self._days[day]}{_MINUTES[rest]}"
        return text


def _utc_or_none(instant_us: int) -> str | None:
    try:
        return utc_text(instant_us)
    except OverflowError:
        return None


def _logged_at(leaf: bytes) -> str | None:
    try:
        return decode_leaf(leaf).logged_at
    except InvalidEntry:
        return None


def _locals(read: Read) -> list[Cell]:
    return [None if body is None else _local(body.record.occurred_at, read.zone) for body in read.bodies]


def _local(time: SourceTime, zone: ZoneInfo) -> str:
    """Site time with its offset, so that no hour can be taken for another; the source's text if it is no instant."""
    return claimed_text(time, zone) or time.text


def _sentences(read: Read) -> list[Cell]:
    return [
        message("entry.unreadable") if body is None else plain(record_sentence(body.record)) for body in read.bodies
    ]


def _imported(read: Read) -> list[Cell]:
    return ["true" if source in read.old else None for source in read.rows["source"]]


def _marks(read: Read) -> list[Cell]:
    return [
        None if (marks := read.marks.get(index)) is None else "; ".join(one.words for one in marks_told(marks))
        for index in read.indices
    ]


def _told(held: Sequence[T | None], text: Callable[[T], str]) -> list[Cell]:
    """Each in words; of many records it is the very same."""
    words = {id(one): text(one) for one in {id(one): one for one in held if one is not None}.values()}
    return [None if one is None else words[id(one)] for one in held]


def _change(change: Change) -> str:
    unit = f" {change.unit}" if change.unit else ""
    return f"{change.attribute}: {value_text(change.old)[0]} → {value_text(change.new)[0]}{unit}"


def _links(links: Iterable[Link]) -> str | None:
    return "; ".join(f"{link.kind.value}={link.id} ({link.basis.value})" for link in links) or None


def _batches(links: Iterable[Link]) -> str | None:
    return ", ".join(dict.fromkeys(link.id for link in links if link.kind is LinkKind.BATCH)) or None


_ALL: Final = (
    Column(name="index", make=lambda read: read.indices, coined=True),
    Column(
        name="logged_at",
        leaf=True,
        make=lambda read: [_logged_at(leaf) for leaf in read.leaves],
        coined=True,
    ),
    _of("occurred_at", lambda body: body.record.occurred_at.text),
    _utc("occurred_at_utc", "occurred_us"),
    Column(name="occurred_local", body=True, make=_locals),
    _utc("source_recorded_at", "recorded_us"),
    _utc("received_at", "received_us"),
    _row("source", "source"),
    _of("source_record_id", lambda body: body.record.source_record_id),
    _of("source_sequence", lambda body: body.record.source_sequence),
    _row("action", "action"),
    _row("outcome", "outcome"),
    _row("account", "actor"),
    _of("actor_kind", lambda body: body.record.actor.kind.value),
    _of("actor_name", lambda body: body.record.actor.name),
    Column(name="person", reads=PERSON, person=True, make=lambda read: _told(read.persons, person_text)),
    _row("role", "role"),
    _row("workstation", "workstation"),
    _row("object_type", "object_type"),
    _row("object_id", "object_id"),
    _of("object_name", lambda body: body.record.object.name),
    Column(name="place", reads=PLACE, place=True, make=lambda read: _told(read.places, place_text)),
    _of("changes", lambda body: "; ".join(map(_change, body.record.changes)) or None),
    _of("reason", lambda body: body.record.reason),
    _of("links", lambda body: _links(body.record.links)),
    _of("batch", lambda body: _batches(body.record.links)),
    Column(name="sentence", body=True, make=_sentences),
    Column(name="imported", reads=("source",), make=_imported),
    Column(name="marks", marked=True, make=_marks),
    Column(name="leaf_hash", leaf=True, make=lambda read: [b64(leaf_hash(leaf)) for leaf in read.leaves], coined=True),
)
COLUMNS: Final[Mapping[str, Column]] = {column.name: column for column in _ALL}
"""By name, in the order in which they are offered."""
