"""The form of a mapping file.

    name = "redmine-journal"            # what it is called; letters, digits and hyphens
    version = 1                         # goes up with every change
    title = "Redmine: issue journals"
    class = "quality-system"            # of what class of systems (see `core.system_class`)
    lacks = ["a gap-free counter"]      # what the source cannot tell, in plain words

    [options]                           # values that the driver's options get where a site gives none
    items = "issues"

    [record]
    id = { join = ["issue.id", "journal.id"], by = "/" }
    action = { text = "update" }
    occurred_at = "journal.created_on"  # or { at = "…", format = "%d.%m.%Y %H:%M:%S", zone = "Europe/Berlin" }
    reason = "journal.notes"
    actor = { account = "journal.user.name", kind = { text = "person" } }
    object = { type = { text = "issue" }, id = "issue.id", name = "issue.subject" }

    [[record.changes]]
    each = "journal.details"            # the paths of this change start at each item of that list
    attribute = "name"
    old = "old_value"
    new = "new_value"

    [[record.links]]
    kind = "change-request"
    id = "issue.id"                     # a list gives a link for each

Where a value comes from is said in `expression`, a time in `moments`.
"""

import tomllib
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from collectors.mapping.expression import Spec, Value, constants
from collectors.mapping.moments import MomentSpec
from ledger.core.errors import ConfigError
from ledger.core.record import Action, ActorKind, LinkBasis, LinkKind, Outcome
from ledger.core.system_class import SystemClass

MAX_TEXT = 262_144
"""A mapping file holds at most this many characters."""


class ActorMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did it; `kind` is one of `ActorKind`, unknown where nothing is said."""

    account: Spec | None = None
    kind: Spec | None = None
    on_behalf_of: Spec | None = None
    name: Spec | None = None
    role: Spec | None = None
    auth: Spec | None = None
    channel: Spec | None = None
    workstation: Spec | None = None
    session: Spec | None = None


class ObjectMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it was done to."""

    type: Spec
    id: Spec
    name: Spec | None = None


class ChangeMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One change, or with `each` one for every item of a list.

    With `between`, the paths of two objects: a change for every member in which they differ, but those of `without`.
    Where the item has no value at the path of `old` or `new`, the source does not say; null is a value.
    """

    each: str | None = None
    attribute: Spec | None = None
    old: Spec | None = None
    new: Spec | None = None
    unit: Spec | None = None
    between: tuple[str, str] | None = None
    without: tuple[str, ...] = ()


class LinkMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the record belongs to; no link where the item has no id. `derived`: the mapping says so, not the source."""

    kind: LinkKind
    id: Spec
    basis: LinkBasis = LinkBasis.READ


class RecordMap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record that an item becomes."""

    id: Spec
    action: Spec
    occurred_at: MomentSpec
    object: ObjectMap
    actor: ActorMap = ActorMap()
    outcome: Spec | None = None
    recorded_at: MomentSpec | None = None
    sequence: Spec | None = None
    reason: Spec | None = None
    changes: tuple[ChangeMap, ...] = ()
    links: tuple[LinkMap, ...] = ()


class Mapping(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"system": "class"}):
    """A mapping, as its file says it."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    version: Annotated[int, msgspec.Meta(ge=1)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    record: RecordMap
    system: SystemClass | None = None
    drivers: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    options: dict[str, str] = {}


def read_mapping(text: str) -> Mapping:
    """A mapping from the text of its file; raises ConfigError that names the place and what is wrong there."""
    if len(text) > MAX_TEXT:
        raise ConfigError(f"the mapping has {len(text)} characters", advice=f"At most {MAX_TEXT} are allowed.")
    try:
        found = msgspec.convert(_parse(text), Mapping)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the mapping does not have the form of one: {error}", advice=_ADVICE) from None
    record = found.record
    _check_words(record.action, Action, "record.action")
    _check_words(record.outcome, Outcome, "record.outcome")
    _check_words(record.actor.kind, ActorKind, "record.actor.kind")
    for number, change in enumerate(record.changes, start=1):
        if (change.between is None) == (change.attribute is None) or (change.between and (change.old or change.new)):
            raise ConfigError(
                f"mapping, record.changes {number}: names neither or both of `attribute` and `between`",
                advice="Write attribute, old and new; or between = [OLD, NEW].",
            )
    return found


_ADVICE = "Correct the file; `trailseal source try-mapping` shows what it makes of an item."


def _parse(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"the mapping is not TOML: {error}", advice=_ADVICE) from None


def _check_words(spec: Spec | None, words: type[StrEnum], where: str) -> None:
    known = {word.value for word in words}
    if unknown := [word for word in constants(spec) if word not in known]:
        raise ConfigError(
            f"mapping, {where}: {unknown[0]!r} is none of its words", advice=f"Use one of: {', '.join(sorted(known))}."
        )
    if isinstance(spec, Value) and spec.text is None and spec.map is None and spec.path is None:
        raise ConfigError(f"mapping, {where}: cannot be joined", advice="Use text, or path with map.")
