"""Entries about the life of a source, and about the site's systems whether they are connected or not."""

from enum import StrEnum
from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name, Text
from ledger.core.run import SourceFacts
from ledger.core.times import SafeInt


class LifeState(StrEnum):
    """Where a source stands. `connected`: nobody has looked at a sample of its records yet."""

    CONNECTED = "connected"
    VALIDATED = "validated"
    REVALIDATE = "re-validate"
    SUSPENDED = "suspended"
    CLOSING = "closing"
    DECOMMISSIONED = "decommissioned"


class LifeEvent(StrEnum):
    """What happened to a source."""

    IDENTIFIED = "identified"
    CHANGED = "changed"
    RECONFIGURED = "reconfigured"
    VALIDATED = "validated"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CLOSING = "closing"
    DECOMMISSIONED = "decommissioned"


BY_RUN: Final = frozenset({LifeEvent.IDENTIFIED, LifeEvent.CHANGED})
"""What a run brings about by what it tells of its source; everything else is a person's decision."""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """What of the source's originals is needed to read them: how many are of that media type and parser version."""

    media_type: Name
    parser: Name
    parser_version: Name
    originals: SafeInt


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The final account of a source: what the ledger holds of it, and what it does not."""

    records: SafeInt
    runs: SafeInt
    quarantined: SafeInt
    gaps: SafeInt
    unreachable: SafeInt
    first_run: SafeInt | None
    last_run: SafeInt | None
    chain: Digest | None
    configured: SafeInt
    mapped: SafeInt | None
    formats: tuple[Format, ...]
    at_source: SafeInt | None
    """Records that the source itself counts, where a person could count them."""


class SourceLife(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="source-life/1"
):
    """What happened to a source, and where it stands from here on.

    `sample` are the entries of records that a person looked at to validate it; `facts` what the source said of itself
    last; `account` its final account, proposed by one person and confirmed by another.
    """

    source: Name
    event: LifeEvent
    state: LifeState
    reason: Text
    authority: Authority
    sample: tuple[SafeInt, ...] = ()
    facts: SourceFacts | None = None
    account: Account | None = None


class Criticality(StrEnum):
    """How much a system bears on product quality and patient safety."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


class Trail(StrEnum):
    """Whether a system has an audit trail, and whether it is on."""

    ON = "on"
    OFF = "off"
    NONE = "none"
    UNKNOWN = "unknown"


class SystemListed(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="system/1"):
    """A system of the site's inventory, from here on so; `retired` once the site has it no more.

    `source` connects it here. Where none does, `reviewed` says how its trail is reviewed elsewhere, and `why` why it is
    not connected: with neither it is open.
    """

    system: Name
    title: Name
    system_class: Name
    owner: Name
    criticality: Criticality
    trail: Trail
    source: Name | None
    reviewed: Text | None
    why: Text | None
    retired: bool
    reason: Text
    authority: Authority


KINDS = (Kind("source-life", [SourceLife]), Kind("system", [SystemListed]))
