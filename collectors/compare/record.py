"""Makes the record that an original of a comparison holds."""

import difflib
import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping

import msgspec

from collectors.compare.look import object_id
from collectors.compare.original import Envelope
from collectors.mapping.collector import json_item
from collectors.mapping.expression import Item
from collectors.text import clean, render
from ledger.core.errors import InvalidEntry, SkippableRecord
from ledger.core.record import Action, Actor, ActorKind, Change, Link, Maybe, Record, Target
from ledger.core.times import Basis, Precision, SourceTime

LONG_TEXT = 4096
"""A text of more characters is not shown whole in a record; the original holds it."""
_MAX_DIFF = 65_536
_LONGEST_NAME = 512
_MAX_LINES = 2_000
_ACTIONS = {
    "first": Action.READ,
    "created": Action.CREATE,
    "changed": Action.UPDATE,
    "deleted": Action.DELETE,
}
_BROKEN = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    RecursionError,
    struct.error,
    InvalidEntry,
)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a state says: attribute → value (anything that `text.render` takes).

    `moment` is the time that the source itself gives for the state, `count` how often the source says the object was
    changed so far. `into` is what a change into this state is, where there is a better word than update; `happened` is
    for an object that is itself something that happened: its action, whatever look found it.
    """

    attributes: Mapping[str, object]
    units: Mapping[str, str] = {}
    name: str | None = None
    moment: SourceTime | None = None
    count: int | None = None
    links: tuple[Link, ...] = ()
    into: Action | None = None
    happened: Action | None = None


Show = Callable[[str, str, Item, Mapping[str, str]], Shown]
"""Type, id, state and facts → what they say; a pure function."""


def make_record(envelope: Envelope, source: str, show: Show) -> Record:
    """The record; raises SkippableRecord where a state cannot be read."""
    try:
        return _baseline(envelope, source) if envelope.sort == "baseline" else _object(envelope, source, show)
    except SkippableRecord:
        raise
    except _BROKEN as error:
        raise SkippableRecord(f"the state of {envelope.type} {envelope.id!r} cannot be read: {error}") from None


def differs(show: Show, kind: str, identity: str, old: str, new: str) -> bool:
    """Whether two states of different text say different things; true where one of them cannot be read."""
    try:
        before, after = (show(kind, identity, read_state(text), {}) for text in (old, new))
        return any(True for _ in _pairs(before, after))
    except (SkippableRecord, *_BROKEN):
        return True


def read_state(text: str) -> Item:
    """The JSON object of a state; raises SkippableRecord for anything else."""
    try:
        return json_item(text.encode())
    except UnicodeEncodeError:
        raise SkippableRecord("a state that is no text") from None


def _baseline(envelope: Envelope, source: str) -> Record:
    return Record(
        source=source,
        source_record_id=f"{envelope.look}/baseline",
        action=Action.READ,
        occurred_at=_not_after(envelope),
        actor=_COLLECTOR,
        object=Target(type="baseline", id=source),
        changes=(
            Change(attribute="objects", new=envelope.objects),
            Change(attribute="snapshot-sha256", new=clean(envelope.digest)),
        ),
    )


def _object(envelope: Envelope, source: str, show: Show) -> Record:
    before, after = (
        None if text is None else show(envelope.type, envelope.id, read_state(text), envelope.facts)
        for text in (envelope.old, envelope.new)
    )
    shown = after or before
    assert shown is not None, "an envelope has one state at least"
    action = _ACTIONS[envelope.sort]
    if after is not None:
        action = after.happened or (after.into if action is Action.UPDATE else None) or action
    return Record(
        source=source,
        source_record_id=object_id(f"{envelope.look}/{envelope.type}/{envelope.id}"),
        action=action,
        occurred_at=_moment(envelope, before, after),
        actor=_COLLECTOR if action is Action.READ else _NOBODY,
        object=Target(type=clean(envelope.type), id=object_id(envelope.id), name=_name(shown.name)),
        changes=tuple(_changes(envelope, before, after)),
        links=shown.links,
    )


def _name(text: str | None) -> str | None:
    return clean(text)[:_LONGEST_NAME] if text else None


def _changes(envelope: Envelope, before: Shown | None, after: Shown | None) -> Iterator[Change]:
    """What differs, each with the interval in which it changed."""
    interval = envelope.interval()
    units = {**(before.units if before else {}), **(after.units if after else {})}
    gap = envelope.more or _more_happened(before, after)
    for name, old, new in _pairs(before, after):
        attribute, old, new = _shortened(name, old, new)
        yield Change(attribute=attribute, old=old, new=new, unit=units.get(name), inferred=interval, gap=gap)


def _pairs(before: Shown | None, after: Shown | None) -> Iterator[tuple[str, Maybe, Maybe]]:
    old = {} if before is None else {object_id(name): render(value) for name, value in before.attributes.items()}
    new = {} if after is None else {object_id(name): render(value) for name, value in after.attributes.items()}
    for name in dict.fromkeys((*old, *new)):
        was: Maybe = old.get(name, msgspec.UNSET)
        now: Maybe = new.get(name, msgspec.UNSET)
        if (type(was), was) != (type(now), now):
            yield name, was, now


def _shortened(name: str, old: Maybe, new: Maybe) -> tuple[str, Maybe, Maybe]:
    """Long texts as a unified diff where both are there and it is small; otherwise each as digest and length."""
    texts = [value for value in (old, new) if isinstance(value, str)]
    if all(len(text) <= LONG_TEXT for text in texts):
        return name, old, new
    if len(texts) == 2 and (diff := _diff(*(text.splitlines() for text in texts))):
        return f"{name[:500]} (diff)", msgspec.UNSET, diff
    return name, _digested(old), _digested(new)


def _diff(old: list[str], new: list[str]) -> str:
    """The unified diff; empty where it would be long, or long to find."""
    if max(len(old), len(new)) > _MAX_LINES:
        return ""
    diff = "\n".join(difflib.unified_diff(old, new, "old", "new", lineterm=""))
    return diff if len(diff) <= _MAX_DIFF else ""


def _digested(value: Maybe) -> Maybe:
    if not isinstance(value, str) or len(value) <= LONG_TEXT:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()} ({len(value)} characters)"


def _more_happened(before: Shown | None, after: Shown | None) -> bool:
    """Whether the object's own count of changes says that there were more than one."""
    if before is None or after is None or before.count is None or after.count is None:
        return False
    return after.count != before.count + 1


def _moment(envelope: Envelope, before: Shown | None, after: Shown | None) -> SourceTime:
    """The source's own time of the new state, if it gives one that is not the old state's; else only the interval."""
    moment = None if after is None else after.moment
    if moment is not None and (before is None or before.moment != moment):
        return moment
    if envelope.after:
        text = f"{envelope.after}/{envelope.before}"
        return SourceTime(text=text, precision=Precision.MICROSECOND, basis=Basis.NONE)
    return _not_after(envelope)


def _not_after(envelope: Envelope) -> SourceTime:
    return SourceTime(text=f"../{envelope.before}", precision=Precision.MICROSECOND, basis=Basis.NONE)


_NOBODY = Actor(account=None, kind=ActorKind.UNKNOWN)
_COLLECTOR = Actor(account=None, kind=ActorKind.SERVICE)
"""It is the collector that reads at a first look; the source does not say by what account it knows it."""
