"""Makes the record that an item is, by a mapping: a pure function, compiled once."""

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Names
from typing import TypeVar

import msgspec

from collectors.mapping.expression import MISSING, Item, Spec, Take, as_text, compile_path, compile_value
from collectors.mapping.model import ChangeMap, LinkMap, Mapping
from collectors.mapping.moments import compile_moment
from collectors.text import clean, name, render
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, Actor, ActorKind, Change, Link, Maybe, Outcome, Record, Target

E = TypeVar("E", Action, ActorKind, Outcome)
_ACTOR = ("account", "on_behalf_of", "name", "role", "auth", "channel", "workstation", "session")
_Changes = Callable[[Item], Iterable[Change]]


class Mapper:
    """Makes records of one source by one mapping."""

    def __init__(self, mapping: Mapping, source: str, zone: str | None) -> None:
        """`zone` is the source's. Raises ConfigError for an expression, pattern or format that cannot be."""
        record = mapping.record
        self._source = source
        self._id = compile_value(record.id, "record.id")
        self._action = compile_value(record.action, "record.action")
        self._outcome = _maybe(record.outcome, "record.outcome")
        self._occurred = compile_moment(record.occurred_at, zone, "record.occurred_at")
        self._recorded = (
            None if record.recorded_at is None else compile_moment(record.recorded_at, zone, "record.recorded_at")
        )
        self._sequence = _maybe(record.sequence, "record.sequence")
        self._reason = _maybe(record.reason, "record.reason")
        self._kind = _maybe(record.actor.kind, "record.actor.kind")
        self._actor = {
            member: compile_value(spec, f"record.actor.{member}")
            for member in _ACTOR
            if (spec := getattr(record.actor, member)) is not None
        }
        self._type = compile_value(record.object.type, "record.object.type")
        self._object = compile_value(record.object.id, "record.object.id")
        self._name = _maybe(record.object.name, "record.object.name")
        self._changes = [_changes(change, f"record.changes {at}") for at, change in enumerate(record.changes, start=1)]
        self._links = [
            (link, compile_value(link.id, f"record.links {at}")) for at, link in enumerate(record.links, start=1)
        ]

    def record(self, item: Item) -> Record:
        """The record; raises SkippableRecord, naming the member, where the item has not what a record needs."""
        occurred = self._occurred(item)
        if occurred is None:
            raise SkippableRecord("record.occurred_at: the item has no time")
        return Record(
            source=self._source,
            source_record_id=_needed(self._id, item, "record.id"),
            action=_word(self._action(item), Action, "record.action"),
            occurred_at=occurred,
            actor=self._read_actor(item),
            object=Target(
                type=_needed(self._type, item, "record.object.type"),
                id=_needed(self._object, item, "record.object.id"),
                name=_text(self._name, item),
            ),
            outcome=Outcome.SUCCESS if self._outcome is None else _outcome(self._outcome(item)),
            source_recorded_at=None if self._recorded is None else self._recorded(item),
            source_sequence=_text(self._sequence, item),
            changes=tuple(change for changes in self._changes for change in changes(item)),
            reason=_text(self._reason, item),
            links=tuple(link for spec, take in self._links for link in _read_links(spec, take(item))),
        )

    def _read_actor(self, item: Item) -> Actor:
        found = {member: _text(take, item) for member, take in self._actor.items()}
        account = found.pop("account", None)
        said = MISSING if self._kind is None else self._kind(item)
        kind = ActorKind.UNKNOWN if said is MISSING or said is None else _word(said, ActorKind, "record.actor.kind")
        return Actor(account=account, kind=kind if account is not None else ActorKind.UNKNOWN, **found)


def _maybe(spec: Spec | None, where: str) -> Take | None:
    return None if spec is None else compile_value(spec, where)


def _text(take: Take | None, item: Item) -> str | None:
    if take is None:
        return None
    value = take(item)
    if type(value) is not str and isinstance(value, (list, Names)):
        value = render(value)
    return name(as_text(value))


def _needed(take: Take, item: Item, where: str) -> str:
    text = _text(take, item)
    if text is None:
        raise SkippableRecord(f"{where}: the item has none")
    return text


def _word(value: object, words: type[E], where: str) -> E:
    try:
        return words(as_text(value) or "")
    except ValueError:
        raise SkippableRecord(f"{where}: {value!r} is none of its words", advice="Add a `map` for it.") from None


def _outcome(value: object) -> Outcome:
    return Outcome.SUCCESS if value is None or value is MISSING else _word(value, Outcome, "record.outcome")


def _changes(spec: ChangeMap, where: str) -> _Changes:
    one = _differences(spec, where) if spec.between is not None else _stated(spec, where)
    if spec.each is None:
        return one
    each = compile_path(spec.each, f"{where}.each")

    def changes(item: Item) -> Iterable[Change]:
        parts = each(item)
        if parts is MISSING or parts is None:
            return
        for part in parts if isinstance(parts, list) else [parts]:
            if not isinstance(part, Names):
                raise SkippableRecord(f"{where}.each: not a list of objects")
            yield from one(part)

    return changes


def _stated(spec: ChangeMap, where: str) -> _Changes:
    assert spec.attribute is not None, "the model checks it"
    attribute = compile_value(spec.attribute, f"{where}.attribute")
    old, new = _maybe(spec.old, f"{where}.old"), _maybe(spec.new, f"{where}.new")
    unit = _maybe(spec.unit, f"{where}.unit")

    def changes(item: Item) -> Iterable[Change]:
        before, after = _value(old, item), _value(new, item)
        if before is msgspec.UNSET and after is msgspec.UNSET:
            return
        yield Change(
            attribute=_needed(attribute, item, f"{where}.attribute"), old=before, new=after, unit=_text(unit, item)
        )

    return changes


def _differences(spec: ChangeMap, where: str) -> _Changes:
    assert spec.between is not None, "the caller looked"
    before, after = (compile_path(path, f"{where}.between") for path in spec.between)

    def changes(item: Item) -> Iterable[Change]:
        old, new = _members(before(item), where), _members(after(item), where)
        for member in sorted({*old, *new} - {*spec.without}):
            was, is_now = old.get(member, MISSING), new.get(member, MISSING)
            if was != is_now or type(was) is not type(is_now):
                yield Change(attribute=clean(member) or "(empty)", old=_rendered(was), new=_rendered(is_now))

    return changes


def _members(value: object, where: str) -> Names[str, object]:
    if value is None or value is MISSING:
        return {}
    if not isinstance(value, Names):
        raise SkippableRecord(f"{where}.between: not an object")
    return value


def _value(take: Take | None, item: Item) -> Maybe | msgspec.UnsetType:
    return msgspec.UNSET if take is None else _rendered(take(item))


def _rendered(value: object) -> Maybe | msgspec.UnsetType:
    return msgspec.UNSET if value is MISSING else render(value)


def _read_links(spec: LinkMap, value: object) -> Iterable[Link]:
    for one in value if isinstance(value, list) else [value]:
        if text := name(as_text(one)):
            yield Link(kind=spec.kind, id=text, basis=spec.basis)
