"""Makes the record that an item is, by a mapping: a pure function, compiled once."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Names
from typing import TypeVar

import msgspec

from collectors.mapping.expression import MISSING, Item, Spec, as_text, compile_path, compile_value, constant
from collectors.mapping.model import ChangeMap, LinkMap, Mapping
from collectors.mapping.moments import compile_moment
from collectors.text import clean, name, render
from ledger.core.errors import SkippableRecord
from ledger.core.record import Action, Actor, ActorKind, Change, Link, Maybe, Outcome, Record, Target

E = TypeVar("E", Action, ActorKind, Outcome)
_ACTOR = ("account", "on_behalf_of", "name", "role", "auth", "channel", "workstation", "session")
_Text = Callable[[Item], str | None]
_Changes = Callable[[Item], Sequence[Change]]
_Links = Callable[[Item], Sequence[Link]]


class Mapper:
    """Makes records of one source by one mapping."""

    def __init__(self, mapping: Mapping, source: str, zone: str | None) -> None:
        """`zone` is the source's. Raises ConfigError for an expression, pattern or format that cannot be."""
        record = mapping.record
        self._source = source
        self._id = _needed(record.id, "record.id")
        self._action = _word(record.action, Action, "record.action")
        self._outcome = _word(record.outcome, Outcome, "record.outcome")
        self._occurred = compile_moment(record.occurred_at, zone, "record.occurred_at")
        self._recorded = (
            None if record.recorded_at is None else compile_moment(record.recorded_at, zone, "record.recorded_at")
        )
        self._sequence = _text(record.sequence, "record.sequence")
        self._reason = _text(record.reason, "record.reason")
        self._kind = _word(record.actor.kind, ActorKind, "record.actor.kind")
        self._actor = [
            (member, _text(spec, f"record.actor.{member}"))
            for member in _ACTOR
            if (spec := getattr(record.actor, member)) is not None
        ]
        self._type = _needed(record.object.type, "record.object.type")
        self._object = _needed(record.object.id, "record.object.id")
        self._name = _text(record.object.name, "record.object.name")
        self._changes = [_changes(change, f"record.changes {at}") for at, change in enumerate(record.changes, start=1)]
        self._links = [_links(link, f"record.links {at}") for at, link in enumerate(record.links, start=1)]

    def record(self, item: Item) -> Record:
        """The record; raises SkippableRecord, naming the member, where the item has not what a record needs."""
        occurred = self._occurred(item)
        if occurred is None:
            raise SkippableRecord("record.occurred_at: the item has no time")
        source_record_id = self._id(item)
        action = self._action(item)
        if action is None:
            raise SkippableRecord("record.action: the item has none")
        actor = self._read_actor(item)
        target = Target(type=self._type(item), id=self._object(item), name=self._name(item))
        outcome = self._outcome(item)
        recorded = None if self._recorded is None else self._recorded(item)
        changes: list[Change] = []
        links: list[Link] = []
        for read_changes in self._changes:
            changes += read_changes(item)
        for read_links in self._links:
            links += read_links(item)
        return Record(
            source=self._source,
            source_record_id=source_record_id,
            action=action,
            occurred_at=occurred,
            actor=actor,
            object=target,
            outcome=Outcome.SUCCESS if outcome is None else outcome,
            source_recorded_at=recorded,
            source_sequence=self._sequence(item),
            changes=tuple(changes),
            reason=self._reason(item),
            links=tuple(links),
        )

    def _read_actor(self, item: Item) -> Actor:
        found = {member: text(item) for member, text in self._actor}
        account = found.pop("account", None)
        kind = self._kind(item)
        if kind is None or account is None:
            kind = ActorKind.UNKNOWN
        return Actor(account=account, kind=kind, **found)


def _nothing(_: Item) -> None:
    return None


def _text(spec: Spec | None, where: str) -> _Text:
    """What the value is as text; None where it is empty or the item does not say."""
    if spec is None:
        return _nothing
    if (always := constant(spec)) is not None:
        fixed = name(always)
        return lambda _: fixed
    take = compile_value(spec, where)

    def text(item: Item) -> str | None:
        value = take(item)
        if type(value) is str and value.isascii() and "\x00" not in value:  # nearly every value
            return value or None
        return None if value is None or value is MISSING else _other_text(value)

    return text


def _needed(spec: Spec, where: str) -> Callable[[Item], str]:
    always = constant(spec)
    if always is not None and (fixed := name(always)) is not None:
        return lambda _: fixed
    take = compile_value(spec, where)

    def needed(item: Item) -> str:
        value = take(item)
        if type(value) is str and value and value.isascii() and "\x00" not in value:
            return value
        text = None if value is None or value is MISSING else _other_text(value)
        if text is None:
            raise SkippableRecord(f"{where}: the item has none")
        return text

    return needed


def _other_text(value: object) -> str | None:
    if isinstance(value, (list, Names)):
        value = render(value)
    return name(as_text(value))


def _word(spec: Spec | None, words: type[E], where: str) -> Callable[[Item], E | None]:
    """The value as one of our words; None where the item does not say."""
    if spec is None:
        return _nothing
    take = compile_value(spec, where)
    known: dict[object, E] = {word.value: word for word in words}
    if (fixed := known.get(constant(spec))) is not None:
        return lambda _: fixed

    def read(item: Item) -> E | None:
        value = take(item)
        if value is None or value is MISSING:
            return None
        word = known.get(as_text(value))
        if word is None:
            raise SkippableRecord(f"{where}: {value!r} is none of its words", advice="Add a `map` for it.")
        return word

    return read


def _changes(spec: ChangeMap, where: str) -> _Changes:
    one = _differences(spec, where) if spec.between is not None else _stated(spec, where)
    if spec.each is None:
        return one
    each = compile_path(spec.each, f"{where}.each")

    def changes(item: Item) -> Sequence[Change]:
        parts = each(item)
        if parts is MISSING or parts is None:
            return ()
        found: list[Change] = []
        for part in parts if isinstance(parts, list) else [parts]:
            if type(part) is not dict and not isinstance(part, Names):
                raise SkippableRecord(f"{where}.each: not a list of objects")
            found += one(part)
        return found

    return changes


def _stated(spec: ChangeMap, where: str) -> _Changes:
    assert spec.attribute is not None, "the model checks it"
    attribute = _needed(spec.attribute, f"{where}.attribute")
    old, new = _value(spec.old, f"{where}.old"), _value(spec.new, f"{where}.new")
    unit = _text(spec.unit, f"{where}.unit")

    def changes(item: Item) -> Sequence[Change]:
        before, after = old(item), new(item)
        if before is msgspec.UNSET and after is msgspec.UNSET:
            return ()
        return (Change(attribute=attribute(item), old=before, new=after, unit=unit(item)),)

    return changes


def _differences(spec: ChangeMap, where: str) -> _Changes:
    assert spec.between is not None, "the caller looked"
    before, after = (compile_path(path, f"{where}.between") for path in spec.between)
    without = {*spec.without}

    def changes(item: Item) -> Sequence[Change]:
        old, new = _members(before(item), where), _members(after(item), where)
        found = []
        for member in sorted({*old, *new} - without):
            was, is_now = old.get(member, MISSING), new.get(member, MISSING)
            if was != is_now or type(was) is not type(is_now):
                found.append(Change(attribute=clean(member) or "(empty)", old=_rendered(was), new=_rendered(is_now)))
        return found

    return changes


def _members(value: object, where: str) -> Names[str, object]:
    if value is None or value is MISSING:
        return {}
    if not isinstance(value, Names):
        raise SkippableRecord(f"{where}.between: not an object")
    return value


def _value(spec: Spec | None, where: str) -> Callable[[Item], Maybe | msgspec.UnsetType]:
    if spec is None:
        return lambda _: msgspec.UNSET
    take = compile_value(spec, where)
    return lambda item: _rendered(take(item))


def _rendered(value: object) -> Maybe | msgspec.UnsetType:
    return msgspec.UNSET if value is MISSING else render(value)


def _links(spec: LinkMap, where: str) -> _Links:
    take = compile_value(spec.id, where)
    kind, basis = spec.kind, spec.basis

    def links(item: Item) -> Sequence[Link]:
        value = take(item)
        if value is None or value is MISSING:
            return ()
        texts = [name(as_text(one)) for one in (value if isinstance(value, list) else (value,))]
        return [Link(kind=kind, id=text, basis=basis) for text in texts if text]

    return links
