"""A registered source system: what a collector needs to reach it, and what the ledger needs to judge it."""

from typing import Annotated, Final

import msgspec

from ledger.core.record import Name
from ledger.core.retention import RetentionClass

MappingText = Annotated[str, msgspec.Meta(min_length=1, max_length=262_144)]

PUSH: Final = "push"
"""The type of a source that no collector reads: its records are brought, by `trailseal append` or the API."""
ARCHIVE: Final = "archive"
"""The type of a source that is an old audit trail: its records are imported from files (`trailseal import`)."""
BY_HAND: Final = "by-hand"
"""The type of a source that is no system: its records are entered by people (`trailseal hand enter`, pages, API)."""
UNCOLLECTED: Final = frozenset({PUSH, ARCHIVE, BY_HAND})
"""Types of sources that no collector reads."""


class SourceConfig(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One source. `type` names a collector of the registry, or is `PUSH`; `options` are its own, without secrets.

    `secrets` maps a secret's name to where it is found (`env:NAME` or `file:PATH`): never the secret itself. `seal`
    lists members that hold personal or third-party values (see `core.sealing`). `zone` is the IANA zone in which the
    source's texts without an offset are read. `mapping` is the text of the TOML file by which the items of a mapped
    type become records (`collectors.mapping`).
    """

    id: Name
    type: Name
    title: Name
    options: dict[str, str] = {}
    secrets: dict[str, str] = {}
    seal: tuple[str, ...] = ("actor.name",)
    zone: str | None = None
    owner: str | None = None
    retention: RetentionClass = RetentionClass.BATCH
    mapping: MappingText | None = None
