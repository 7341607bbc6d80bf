"""Every entry as one plain sentence that a person would say, in pieces that any medium can draw.

"operator1 changed TIC101.SP from 50.0 to 55.5 °C on REACTOR-1; reason not given by the source".
"""

from typing import Any

import msgspec

from ledger.core.kinds import kind_of
from ledger.core.record import Action, ActorKind, Change, LinkKind, Outcome, Record, RecordBody, Sealed
from ledger.present.inert import one_line
from ledger.present.messages import known, message, number, parts
from ledger.present.times import duration
from ledger.present.values import Piece, Pieces, Role, plain, said, value_text

_PLAIN_ATTRIBUTES = frozenset({"value", ""})
_WITH_VALUES = frozenset({Action.UPDATE, Action.CONFIGURE, Action.TIME_CHANGE})
_WITH_REASON = frozenset(
    {Action.UPDATE, Action.DELETE, Action.CONFIGURE, Action.TIME_CHANGE, Action.SUPPRESS, Action.RESTORE, Action.REJECT}
)
"""Actions for which a missing reason is worth saying."""
_NAMES_SHOWN = 3
_ID_LENGTH = 80
_VALUE_LENGTH = 60


def entry_sentence(body: msgspec.Struct) -> Pieces:
    """The sentence of an entry of any kind; a kind without a sentence of its own is named."""
    if isinstance(body, RecordBody):
        return record_sentence(body.record)
    kind = kind_of(body)
    members = _flat(body)
    holds = getattr(body, "holds", None)
    verdict = "" if holds is None else "holds" if holds else "fails"
    variant = members.get("event", members.get("state", verdict)) or ("shared" if members.get("shared") else "")
    went = members.get("went", "")
    for key in (f"entry.{kind}.{variant}.{went}", f"entry.{kind}.{variant}", f"entry.{kind}"):
        if known(key) and all(name is None or name in members for _, name in parts(key)):
            return _compose(key, **{name: _member(name, members[name]) for _, name in parts(key) if name})
    return _compose("entry.other", kind=Piece(message(f"kind.{kind}")))


def disposed_sentence(by: int | None = None) -> Pieces:
    """What is said of an entry whose body is no longer there; `by`: the entry of the system log that disposed of it."""
    if by is None:
        return (Piece(message("entry.missing")),)
    return (Piece(message("entry.disposed.under", index=number(by))),)


def record_sentence(record: Record) -> Pieces:
    """The sentence of a record: who did what to what, old and new, where, why, and what is not known of it."""
    sentence = _core(record)
    equipment = [link.id for link in record.links if link.kind is LinkKind.EQUIPMENT and link.id != record.object.id]
    if len(equipment) == 1:
        sentence += _compose("said.place", equipment=Piece(one_line(equipment[0], _ID_LENGTH), Role.OBJECT))
    if record.outcome is not Outcome.SUCCESS and record.action is not Action.LOGIN_FAILED:
        sentence = _compose(f"said.{record.outcome.value}", sentence=sentence)
    if record.action in _WITH_VALUES:
        if any(change.gap for change in record.changes):
            sentence += _compose("said.gap")
        elif any(change.inferred for change in record.changes):
            sentence += _compose("said.inferred")
    return sentence + _reason(record)


def actor_text(record: Record) -> str:
    """The actor as the source names it, in one line; what kind of actor it is where there is no name."""
    actor = record.actor
    if actor.account is None:
        kind = actor.kind if actor.kind in (ActorKind.SERVICE, ActorKind.DEVICE) else ActorKind.UNKNOWN
        name = message(f"who.{kind.value}")
    else:
        name = one_line(actor.account, _ID_LENGTH)
    if actor.on_behalf_of and actor.on_behalf_of != actor.account:
        return message("who.for", actor=name, other=one_line(actor.on_behalf_of, _ID_LENGTH))
    return name


def object_text(record: Record) -> str:
    """The object as a person names it, in one line: its name with its id, or its type with a bare number."""
    target = record.object
    shown = one_line(target.id, _ID_LENGTH)
    if isinstance(target.name, str) and target.name.strip() and target.name != target.id:
        return message("what.named", name=one_line(target.name, _ID_LENGTH), id=shown)
    if target.id.isdigit():
        return message("what.type", type=one_line(target.type, _ID_LENGTH), id=shown)
    return shown


def _core(record: Record) -> Pieces:
    actor = Piece(actor_text(record), Role.ACTOR)
    target = Piece(object_text(record), Role.OBJECT)
    if record.action not in _WITH_VALUES or not record.changes:
        return _compose(f"said.{record.action.value}", actor=actor, object=target)
    if len(record.changes) > 1:
        return _compose(
            "said.changed.many",
            actor=actor,
            count=Piece(number(len(record.changes))),
            object=target,
            names=Piece(_names(record.changes)),
        )
    change = record.changes[0]
    attribute = one_line(change.attribute, _ID_LENGTH)
    what: Pieces = (target,)
    if attribute.casefold() not in _PLAIN_ATTRIBUTES:
        what = _compose("what.attribute", attribute=Piece(attribute, Role.OBJECT), object=target)
    key = "said.changed" if said(change.old) and said(change.new) else "said.set"
    if not said(change.new):
        key = "said.changed.unsaid"
    return _compose(key, actor=actor, what=what, old=_value(change, "old"), new=_value(change, "new"))


def _value(change: Change, side: str) -> Pieces:
    """A value in its sentence; the unit stands after the new one only, as it is said."""
    text, own = value_text(getattr(change, side))
    role = Role.NEW if side == "new" else Role.OLD
    pieces: Pieces = (Piece(one_line(text, _VALUE_LENGTH), role if own else Role.NOTE),)
    if side == "new" and change.unit and own:
        pieces += (Piece(f" {one_line(change.unit, 20)}", Role.UNIT),)
    return pieces


def _names(changes: tuple[Change, ...]) -> str:
    names = ", ".join(one_line(change.attribute, 40) for change in changes[:_NAMES_SHOWN])
    rest = len(changes) - _NAMES_SHOWN
    return message("said.changed.more", names=names, count=rest) if rest > 0 else names


def _reason(record: Record) -> Pieces:
    if isinstance(record.reason, Sealed):
        return _compose("said.reason.sealed")
    if record.reason:
        return _compose("said.reason", reason=Piece(one_line(record.reason), Role.REASON))
    return _compose("said.reason.none") if record.action in _WITH_REASON else ()


def _compose(key: str, /, **places: Piece | Pieces) -> Pieces:
    pieces: list[Piece] = []
    for text, name in parts(key):
        if text:
            pieces.append(Piece(text, Role.NOTE if key.startswith("said.reason.") else Role.TEXT))
        if name is not None:
            place = places[name]
            pieces += (place,) if isinstance(place, Piece) else place
    return tuple(pieces)


def _flat(body: msgspec.Struct, prefix: str = "") -> dict[str, Any]:
    """Members by name, nested ones as `outer_inner`; lists of words as such, other lists by their length."""
    flat: dict[str, Any] = {}
    for name, value in msgspec.structs.asdict(body).items():
        if isinstance(value, msgspec.Struct):
            flat |= _flat(value, f"{prefix}{name}_")
        elif isinstance(value, tuple):
            words = value and all(isinstance(one, str) for one in value)
            flat[prefix + name] = ", ".join(map(str, value)) if words else len(value)
        else:
            flat[prefix + name] = value
    return flat


def _member(name: str, value: object) -> Piece:
    if name.endswith("_us") and isinstance(value, int):
        return Piece(duration(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return Piece(number(value))
    if value is None:
        return Piece(message("value.none"), Role.NOTE)
    return Piece(one_line(str(value)), Role.ACTOR if name.endswith("actor") else Role.OBJECT)


def sentence_text(body: msgspec.Struct) -> str:
    """The sentence as plain text."""
    return plain(entry_sentence(body))
