"""What one look leaves for the next: the state of each object, kept in the source's snapshot."""

import hashlib

import msgspec

from collectors.base import MAX_SNAPSHOT
from ledger.core.errors import FatalSource


class Memory(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Type → id → state. Objects were last read at the look that the cursor names, those in `since` at another one.

    `listed` are the types of which every new object shows, `blind` when the look began that last listed them, for those
    that the last one could not list, `hidden` ids that are there and never could be read. `scope` is what was looked
    at, in the driver's words: another scope begins a new baseline. `refused` are digests of input that was rejected and
    is still there.
    """

    states: dict[str, dict[str, str]] = {}
    since: dict[str, dict[str, str]] = {}
    listed: list[str] = []
    blind: dict[str, str] = {}
    hidden: dict[str, list[str]] = {}
    scope: str = ""
    refused: list[str] = []

    def state(self, kind: str, identity: str) -> str | None:
        return self.states.get(kind, {}).get(identity)

    def seen(self, kind: str, identity: str, at: str) -> str:
        """The beginning of the look that last read an object; `at` is that of the look that the cursor names."""
        return self.since.get(kind, {}).get(identity, at)

    def put(self, kind: str, identity: str, state: str, since: str | None = None) -> None:
        self.states.setdefault(kind, {})[identity] = state
        if since is not None:
            self.since.setdefault(kind, {})[identity] = since

    def drop(self, kind: str, identity: str) -> None:
        self.states.get(kind, {}).pop(identity, None)
        self.since.get(kind, {}).pop(identity, None)

    def copy(self) -> "Memory":
        return Memory(
            states={kind: dict(states) for kind, states in self.states.items()},
            since={kind: dict(since) for kind, since in self.since.items()},
            listed=list(self.listed),
            blind=dict(self.blind),
            hidden={kind: list(ids) for kind, ids in self.hidden.items()},
            scope=self.scope,
            refused=list(self.refused),
        )

    def encode(self) -> bytes:
        """The snapshot; raises FatalSource where it would be larger than one may be."""
        data = msgspec.json.encode(self, order="sorted")
        if len(data) > MAX_SNAPSHOT:
            raise FatalSource(
                f"what there is to remember takes {len(data)} bytes, and a snapshot holds {MAX_SNAPSHOT}",
                advice="Look at less: fewer objects or fewer members of each; or register several sources for parts.",
            )
        return data


def digest(snapshot: bytes) -> str:
    """What a baseline record says of its snapshot: SHA-256, in hexadecimal."""
    return hashlib.sha256(snapshot).hexdigest()


def read_memory(snapshot: bytes | None, source: str) -> Memory:
    """The memory that a snapshot holds, an empty one without; raises FatalSource for anything else."""
    if snapshot is None:
        return Memory()
    try:
        return msgspec.json.decode(snapshot, type=Memory)
    except (msgspec.DecodeError, ValueError) as error:
        raise FatalSource(
            f"the snapshot of source {source!r} cannot be read: {error}",
            advice="It was written by another collector version; register the source anew under another id.",
        ) from None
