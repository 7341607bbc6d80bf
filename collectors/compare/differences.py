"""What lies between two looks: pure, from the memory of one and the findings of the next.

Deletions come first, then what is new or changed in the order in which the driver found it.
"""

from collections.abc import Callable, Iterator

import msgspec

from collectors.compare.look import Found, Look
from collectors.compare.memory import Memory
from collectors.compare.original import Sort

_MAX_GAPS = 100


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One object that is not as it was; `after`: when the look began that last saw it, `found`: null for a deletion."""

    sort: Sort
    type: str
    id: str
    after: str
    old: str | None = None
    found: Found | None = None


Differs = Callable[[str, str, str, str], bool]
"""Type, id, old and new state → whether they say different things; texts that are equal are never asked about."""
Comparable = Callable[[str, str, str], bool]
"""Type, old and new state → whether both were read in the same way, so that they can be compared at all."""


def differences(memory: Memory, at: str, look: Look, differs: Differs, comparable: Comparable) -> Iterator[Difference]:
    """Every difference between the look at `at` (empty: there was none) and this one."""
    yield from _deleted(memory, at, look)
    for found in look:
        old = memory.state(found.type, found.id)
        if old is None:
            new = bool(at) and found.type in memory.listed and found.id not in memory.hidden.get(found.type, ())
            sort: Sort = "created" if new else "first"
            after = memory.blind.get(found.type, at) if new else ""
            yield Difference(sort=sort, type=found.type, id=found.id, after=after, found=found)
        elif old != found.state:
            if not comparable(found.type, old, found.state):
                yield Difference(sort="first", type=found.type, id=found.id, after="", found=found)
            elif differs(found.type, found.id, old, found.state):
                seen = memory.seen(found.type, found.id, at)
                yield Difference(sort="changed", type=found.type, id=found.id, after=seen, old=old, found=found)


def _deleted(memory: Memory, at: str, look: Look) -> Iterator[Difference]:
    for kind in sorted(look.listed & set(memory.states) - set(look.unlisted)):
        for identity, old in memory.states[kind].items():
            if (kind, identity) not in look and (kind, identity) not in look.unread:
                seen = memory.seen(kind, identity, at)
                yield Difference(sort="deleted", type=kind, id=identity, after=seen, old=old)


def hand_over(memory: Memory, difference: Difference, look: Look) -> None:
    """Marks one difference as told, in the memory of a look of which others are still to be told."""
    if difference.found is None:
        memory.drop(difference.type, difference.id)
    else:
        memory.put(difference.type, difference.id, difference.found.state, since=look.began)


def settle(memory: Memory, at: str, look: Look, scope: str) -> Memory:
    """The memory once all of a look is told. What could not be read keeps its state, and since when it is known."""
    hidden = set(look.unlisted)
    known = ((look.listed | look.rolling) - hidden) | (hidden & set(memory.listed))
    settled = Memory(
        listed=sorted(known),
        blind={kind: memory.blind.get(kind, at) for kind in sorted(known & hidden)},
        scope=scope,
        refused=sorted({one.digest for one in look.refused}),
    )
    for found in look:
        settled.put(found.type, found.id, found.state)
    unseen = [*look.unread, *((kind, identity) for kind in look.unlisted for identity in memory.states.get(kind, ()))]
    for kind, identity in unseen:
        old = memory.state(kind, identity)
        if (kind, identity) in look:
            continue
        if old is None:
            settled.hidden.setdefault(kind, []).append(identity)
        else:
            settled.put(kind, identity, old, since=memory.seen(kind, identity, at) or look.began)
    return settled


def unread(memory: Memory, at: str, look: Look) -> Iterator[tuple[str, str, str]]:
    """What this look could not read: what it is, why, and since when nothing is known of it; the rest in one sum."""
    for kind in sorted(set(look.unlisted) & set(memory.states)):
        since = min(memory.seen(kind, identity, at) for identity in memory.states[kind])
        yield f"all of type {kind}", look.unlisted[kind], since or look.began
    for kind in sorted(look.rolling & set(memory.states)):
        if memory.states[kind] and not any((kind, identity) in look for identity in memory.states[kind]):
            yield f"all of type {kind}", "everything known rolled off: more may have come and gone", at or look.began
    for number, ((kind, identity), reason) in enumerate(look.unread.items()):
        if number == _MAX_GAPS:
            yield "further objects", f"{len(look.unread) - number} more could not be read", at or look.began
            return
        yield f"{kind} {identity}", reason, memory.seen(kind, identity, at) or look.began
