"""The registry of entry kinds: which bodies exist, in which schema versions, and how each is read for ever.

A kind's structs are tagged `schema="<kind>/<version>"`. A body once written is read for ever: a new version is added
beside the old ones, never in their place, and each keeps a stored example that a test decodes. Kinds live with their
domains; the assembly hands all of them to one `KindRegistry`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import msgspec

from ledger.core.errors import ConfigError, SchemaViolation
from ledger.core.record import RecordBody
from ledger.core.retention import RetentionClass

MAX_BODY = 1024 * 1024
"""Bytes of the largest body (design: at most 1 MiB)."""

KIND_NAMES = frozenset(
    [
        "log-created",
        "service-start",
        "clock-step",
        "time-epoch",
        "record",
        "collection-run",
        "quarantine",
        "source",
        "mapping",
        "identity",
        "asset",
        "calendar",
        "source-life",
        "system",
        "import",
        "true-copy",
        "challenge",
        "challenge-run",
        "challenge-result",
        "account",
        "grant",
        "session-event",
        "security-event",
        "credential",
        "sign-in",
        "identity-provider",
        "key-set",
        "reset",
        "terminal",
        "qualification",
        "role-definition",
        "document",
        "ceremony",
        "access-review",
        "viewed",
        "notice",
        "look-up",
        "signing-list",
        "signing-route",
        "signing-request",
        "delegation",
        "configuration",
        "key-event",
        "key-binding",
        "trust-anchor",
        "paper-signature",
        "log-binding",
        "witness-policy",
        "watched-log",
        "site-checkpoint",
        "site-fault",
        "server-move",
        "checkpoint-witnessed",
        "timestamp",
        "timestamp-authority",
        "timestamp-renewal",
        "verification",
        "incident",
        "incident-case",
        "epoch",
        "review",
        "finding",
        "disposition",
        "signature",
        "decision",
        "package-issued",
        "agent",
        "delivery",
        "disposal",
        "erasure",
        "legal-hold",
        "retention-rule",
        "retention-fact",
        "retention-copy",
        "parameter",
        "change",
        "coverage-statement",
        "assessment",
        "reconciliation",
        "saved-query",
        "by-hand",
        "exclusion",
        "rule-run",
        "rule",
        "rule-challenge",
        "suppression",
        "contributing-list",
        "review-plan",
        "rule-miss",
        "deferral",
        "deviation",
        "review-answer",
    ]
)
"""The closed set of kinds; a leaf of any other kind is not one of ours."""

_TAG = re.compile(r"([a-z-]+)/([1-9][0-9]*)")


class Kind:
    """One kind: its name, every body struct there has ever been (newest last), its retention class."""

    def __init__(
        self,
        name: str,
        versions: Sequence[type[msgspec.Struct]],
        retention: RetentionClass = RetentionClass.PERMANENT,
    ) -> None:
        if name not in KIND_NAMES:
            raise ConfigError(f"{name!r} is not a registered kind")
        for number, struct in enumerate(versions, start=1):
            config = struct.__struct_config__
            if config.tag_field != "schema" or config.tag != f"{name}/{number}" or not config.frozen:
                raise ConfigError(f"{struct.__name__} is not the frozen body of {name}/{number}")
        self.name = name
        self.versions = tuple(versions)
        self.retention = retention
        union = self.versions[0] if len(self.versions) == 1 else _union(self.versions)
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)

    @property
    def current(self) -> type[msgspec.Struct]:
        return self.versions[-1]

    def decode(self, body: bytes) -> msgspec.Struct:
        """Reads a stored body of any version; raises SchemaViolation when it fits none."""
        try:
            decoded: msgspec.Struct = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SchemaViolation(f"body of kind {self.name}: {error}") from None
        return decoded


class KindRegistry:
    """All kinds that this installation can read, by name."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self._kinds: dict[str, Kind] = {}
        for kind in kinds:
            if kind.name in self._kinds:
                raise ConfigError(f"kind {kind.name} is registered twice")
            self._kinds[kind.name] = kind

    def __getitem__(self, name: str) -> Kind:
        """The kind of that name; raises SchemaViolation if it is not registered here."""
        try:
            return self._kinds[name]
        except KeyError:
            raise SchemaViolation(f"kind {name!r} is not known to this version of Trailseal") from None

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._kinds.values())


@cache
def kind_of(body: type[msgspec.Struct]) -> str:
    """The kind that a body struct belongs to, read from its tag."""
    match = _TAG.fullmatch(str(body.__struct_config__.tag))
    if match is None:
        raise SchemaViolation(f"{body.__name__} is not a body: it has no schema tag")
    return match[1]


def _union(versions: Sequence[type[msgspec.Struct]]) -> Any:
    union: Any = versions[0]
    for version in versions[1:]:
        union = union | version
    return union


RECORD = Kind("record", [RecordBody], RetentionClass.BATCH)
