"""Records of a selection that were disposed of, as the entries of their disposals tell: nothing else is left of them.

A disposal's entry names each record by index and leaf hash, in groups of one source and of the same subjects: those of
a record's links that a rule of retention looked for. By these alone a group belongs to a selection, or does not for
certain; what else the records said nobody can ask any more.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from ledger.core.errors import IntegrityError
from ledger.core.retention import Term

DISPOSAL: Final = "disposal"
RULE: Final = "retention-rule"
_DONE: Final = "disposed"
_TELLING: Final = frozenset({"source", "link_kind", "link_id"})
"""Members of a query that a disposal's entry can answer."""


class GoneItem(msgspec.Struct, frozen=True, gc=False):
    """A record that went."""

    index: int
    leaf_hash: str


class GoneSubject(msgspec.Struct, frozen=True):
    """What a record was linked to."""

    kind: str
    id: str


class GoneGroup(msgspec.Struct, frozen=True):
    """Records of one source and the same subjects, until when they were kept, and by which rules (entries; none where
    these are built in) of which classes.
    """

    source: str
    classes: tuple[str, ...]
    until: str
    items: tuple[GoneItem, ...]
    subjects: tuple[GoneSubject, ...] = ()
    rules: tuple[int, ...] = ()


class DisposalBody(msgspec.Struct, frozen=True, tag_field="schema", tag="disposal/1"):
    """What is read of a disposal's entry."""

    disposal: str
    event: str
    number: int
    groups: tuple[GoneGroup, ...] = ()


class RuleBody(msgspec.Struct, frozen=True, tag_field="schema", tag="retention-rule/1"):
    """What is read of the entry of a rule of retention."""

    event: str
    retention: str
    terms: tuple[Term, ...]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Records of a selection that went under entry `entry` of the system log: the same classes, rules and end."""

    entry: int
    disposal: str
    classes: tuple[str, ...]
    rules: tuple[int, ...]
    until: str
    items: tuple[GoneItem, ...]


def belongs(selection: Mapping[str, Any], group: GoneGroup) -> bool:
    """Whether a group is in a selection (as a package describes it) for certain."""
    if selection.get("by") == "batch":
        return any((one.kind, one.id) == (selection.get("kind"), selection.get("id")) for one in group.subjects)
    asked = {name: value for name, value in selection.get("query", {}).items() if value not in (None, "")}
    if asked.keys() - _TELLING:
        return False
    kind, id_ = asked.get("link_kind"), asked.get("link_id")
    linked = any(kind in (None, one.kind) and id_ in (None, one.id) for one in group.subjects)
    return asked.get("source") in (None, group.source) and (linked or kind is id_ is None)


def gone(selection: Mapping[str, Any], number: int, size: int, entry: int, body: DisposalBody) -> tuple[Gone, ...]:
    """What a disposal's entry took of a selection from log `number` as of a size."""
    if body.event != _DONE or body.number != number:
        return ()
    by: dict[tuple[Any, ...], list[GoneItem]] = {}
    for group in body.groups:
        items = [one for one in group.items if one.index < size]
        if items and belongs(selection, group):
            by.setdefault((group.classes, group.rules, group.until), []).extend(items)
    return tuple(
        Gone(entry=entry, disposal=body.disposal, classes=classes, rules=rules, until=until, items=tuple(items))
        for (classes, rules, until), items in by.items()
    )


def require_rules(found: Sequence[Gone], rules: Mapping[int, RuleBody]) -> None:
    """Raises IntegrityError unless each rule that is named is there, confirmed, and of a class that it decided over."""
    for one in found:
        for at in one.rules:
            rule = rules.get(at)
            if rule is None or rule.event != "confirmed" or rule.retention not in one.classes:
                raise IntegrityError(f"rests on entry {at}, which is no confirmed rule of its classes here")
