"""Entries about logs of other ledgers: that they are watched, what they showed, and what was wrong with it."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt


class WatchEvent(StrEnum):
    """Whether a log is watched from an entry on."""

    WATCHED = "watched"
    RELEASED = "released"


class WatchedLog(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="watched-log/1"
):
    """A log of another ledger is watched from here on, under these keys or this policy (C2SP tlog-policy), or no more.

    `tiles` is where it publishes them; `silent_s`: how many seconds it may show nothing new.
    """

    event: WatchEvent
    origin: Name
    tiles: Name
    silent_s: SafeInt
    reason: str
    authority: Authority
    keys: tuple[Name, ...] = ()
    policy: str = ""


class SiteKeyEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key event of a watched log, or its creation, proven in the tree of the checkpoint beside which it stands
    (`core.led_keys.ProvenEvent`); `leaf` and `body` are canonical JSON.
    """

    index: SafeInt
    leaf: str
    salt: Digest
    body: str
    proof: tuple[Digest, ...]
    note: str | None = None
    consistency: tuple[Digest, ...] = ()


class SiteCheckpoint1(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="site-checkpoint/1"
):
    """What a watched log showed then: whoever rewrites that log must rewrite this one too.

    `checkpoint` is the signed note; `previous` the entry of this log that holds the one entered before it, and `proof`
    the consistency proof from there (none for the first).
    """

    origin: Name
    size: SafeInt
    root: Digest
    checkpoint: str
    previous: SafeInt | None
    proof: tuple[Digest, ...] = ()


class SiteCheckpoint(
    SiteCheckpoint1, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="site-checkpoint/2"
):
    """A checkpoint of a watched log that tells of its keys: `keys` are the events that were not entered before, `life`
    the entry of this log that holds those before them.
    """

    keys: tuple[SiteKeyEvent, ...] = ()
    life: SafeInt | None = None


class FaultSort(StrEnum):
    """What is wrong with a watched log."""

    FORKED = "forked"
    """It signed two checkpoints that no proof can join."""
    SHRUNK = "shrunk"
    """It shows a smaller checkpoint than it has shown."""
    UNVERIFIED = "unverified"
    """What it shows is not signed as it should be, or its tiles are not those of its checkpoint."""
    SILENT = "silent"
    """It has shown nothing new for longer than it may."""


class SiteFault1(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="site-fault/1"):
    """Something wrong with a watched log, with both signed notes where they prove it.

    `earlier` is the note that the entry `last` holds, `checkpoint` the one that does not go with it. Of a fork between
    two sizes, `before` is the root that the tree of `checkpoint` has at the size of `earlier`, and `proof` shows it.
    """

    sort: FaultSort
    origin: Name
    detail: str
    last: SafeInt | None = None
    earlier: str = ""
    checkpoint: str = ""
    before: Digest | None = None
    proof: tuple[Digest, ...] = ()


class SiteFault(SiteFault1, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="site-fault/2"):
    """A fault of a watched log; `keys`: key events that only `checkpoint` holds, by which its signature is judged."""

    keys: tuple[SiteKeyEvent, ...] = ()


KINDS = (
    Kind("watched-log", [WatchedLog]),
    Kind("site-checkpoint", [SiteCheckpoint1, SiteCheckpoint]),
    Kind("site-fault", [SiteFault1, SiteFault]),
)
