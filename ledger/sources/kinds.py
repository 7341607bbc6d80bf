"""Entries about sources: registration, collection runs, quarantined input."""

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Interval, Name, OriginalRef, Text
from ledger.core.run import Cursor, Gap, SourceFacts
from ledger.core.source import MappingText, SourceConfig
from ledger.core.times import Clock, SafeInt


class SourceRegistered(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="source/1"):
    """From here on the source is configured so; `options` and `secrets` are pairs, sorted by name.

    Its mapping, if it has one, is an entry of its own: `MappingAdopted`.
    """

    id: Name
    type: Name
    title: Name
    options: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, str], ...]
    seal: tuple[str, ...]
    zone: Name | None
    owner: Name | None
    retention: Name
    authority: Authority

    @classmethod
    def of(cls, config: SourceConfig, authority: Authority) -> "SourceRegistered":
        """The body that registers a configuration."""
        return cls(
            id=config.id,
            type=config.type,
            title=config.title,
            options=tuple(sorted(config.options.items())),
            secrets=tuple(sorted(config.secrets.items())),
            seal=tuple(sorted(config.seal)),
            zone=config.zone,
            owner=config.owner,
            retention=config.retention.value,
            authority=authority,
        )

    def config(self) -> SourceConfig:
        """The configuration that was registered."""
        return msgspec.convert(
            {
                "id": self.id,
                "type": self.type,
                "title": self.title,
                "options": dict(self.options),
                "secrets": dict(self.secrets),
                "seal": self.seal,
                "zone": self.zone,
                "owner": self.owner,
                "retention": self.retention,
            },
            SourceConfig,
        )


class MappingAdopted(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="mapping/1"):
    """From here on the source's items become records by this mapping; `text` is its file's, null: by none."""

    source: Name
    text: MappingText | None
    authority: Authority


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """A submission of the run that the log had already: its place in the run, and the earlier entry."""

    submission: SafeInt
    earlier: SafeInt


class CollectionRun(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="collection-run/1"
):
    """One run of a source. Its records are the `records` entries from `first` on.

    `chain` is H_n = SHA-256(0x06 ‖ H_{n-1} ‖ leaf hash) over those records, continuing the `chain` of `previous` (the
    source's run before; 32 zero bytes at its first): with all runs of a source and interval at hand, none of their
    records can be missing unseen. `snapshot` is the collector's state, kept in the vault. `authority` is that of every
    record of the run.
    """

    source: Name
    started_at: str
    ended_at: str
    cursor_from: Cursor | None
    cursor_to: Cursor | None
    first: SafeInt | None
    records: SafeInt
    previous: SafeInt | None
    chain: Digest
    authority: Authority
    duplicates: tuple[Duplicate, ...] = ()
    quarantined: tuple[SafeInt, ...] = ()
    clock: Clock | None = None
    unreachable: tuple[Interval, ...] = ()
    gaps: tuple[Gap, ...] = ()
    snapshot: OriginalRef | None = None
    facts: SourceFacts | None = None


class Quarantined(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="quarantine/1"
):
    """Input that did not become a record, and why. Its bytes are in the vault, unless larger than an original may be:
    then `sha256` and `size` are what is kept of it.
    """

    source: Name
    reason: Text
    media_type: Name
    size: SafeInt
    received_at: str
    original: OriginalRef | None = None
    sha256: Digest | None = None


KINDS = (
    Kind("source", [SourceRegistered]),
    Kind("mapping", [MappingAdopted]),
    Kind("collection-run", [CollectionRun]),
    Kind("quarantine", [Quarantined]),
)
