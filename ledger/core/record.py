"""The normalised audit record: what a collector yields, whatever the source.

Terms follow FHIR AuditEvent, OPC UA AuditEvents and OCSF where those agree. A `Record` holds only what came from the
source; what Trailseal adds (receipt time, original, digest) stands around it in `RecordBody`. No member is a float and
no object has free-form names, so the canonical form (RFC 8785) is the sorted encoding, byte for byte: a decimal, and a
counter of 2^53 or more, is a string.

None of these can hold a reference back to its holder, so the garbage collector need not follow them (`gc=False`).
"""

from enum import StrEnum
from typing import Annotated

import msgspec

from ledger.core.times import Clock, SafeInt, SourceTime

Text = Annotated[str, msgspec.Meta(max_length=262_144)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Digest = Annotated[str, msgspec.Meta(min_length=44, max_length=44)]
"""32 bytes in strict base64 (RFC 4648 section 4)."""


class Action(StrEnum):
    """What was done; one word for it in every source."""

    CREATE = "create"
    READ = "read"
    UPDATE = "update"
    DELETE = "delete"
    EXECUTE = "execute"
    SIGN = "sign"
    APPROVE = "approve"
    REJECT = "reject"
    LOGIN = "login"
    LOGOUT = "logout"
    LOGIN_FAILED = "login-failed"
    GRANT = "grant"
    REVOKE = "revoke"
    CONFIGURE = "configure"
    ALARM = "alarm"
    ALARM_CLEAR = "alarm-clear"
    ACKNOWLEDGE = "acknowledge"
    SUPPRESS = "suppress"
    START = "start"
    STOP = "stop"
    TIME_CHANGE = "time-change"
    BACKUP = "backup"
    RESTORE = "restore"
    PATCH = "patch"
    EXPORT = "export"
    PRINT = "print"


class ActorKind(StrEnum):
    """What sort of actor an account stands for."""

    PERSON = "person"
    SERVICE = "service"
    DEVICE = "device"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


class LinkKind(StrEnum):
    """What a record can belong to."""

    BATCH = "batch"
    LOT = "lot"
    MATERIAL = "material"
    EQUIPMENT = "equipment"
    ORDER = "order"
    DOCUMENT = "document"
    SAMPLE = "sample"
    RECIPE = "recipe"
    CHANGE_REQUEST = "change-request"
    DEVIATION = "deviation"
    ALARM = "alarm"
    PERSON = "person"
    LOCATION = "location"


class LinkBasis(StrEnum):
    """Read: the source names it in this record. Derived: a mapping or an interval says so."""

    READ = "read"
    DERIVED = "derived"


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """Stands where a personal or third-party value was: `{"sealed": base64 SHA-256(0x03 ‖ salt ‖ canonical value)}`."""

    sealed: Digest


Value = Text | SafeInt | bool | None | Sealed
Maybe = Value | msgspec.UnsetType
"""A value; null where the source says there is none; unset where the source does not say."""


def same(one: Maybe, other: Maybe) -> bool | None:
    """Whether two values are the same; None: that cannot be told, as one is not said, or is sealed.

    Each sealing has a salt of its own: the same value sealed again has another commitment.
    """
    if one is msgspec.UNSET or other is msgspec.UNSET:
        return None
    if type(one) is type(other) and one == other:
        return True
    return None if isinstance(one, Sealed) or isinstance(other, Sealed) else False


class Actor(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """Who did it, as the source names them; resolved to a person only when read, through the dated identity map."""

    account: Name | None
    kind: ActorKind
    on_behalf_of: Name | None = None
    name: Name | Sealed | None = None
    role: Name | None = None
    auth: Name | None = None
    channel: Name | None = None
    workstation: Name | None = None
    session: Name | None = None


class Target(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What it was done to: type and id as the source has them."""

    type: Name
    id: Name
    name: Name | Sealed | None = None


class Interval(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Two UTC instants (`utc_text`) between which something happened."""

    after: str
    before: str


class Change(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One attribute's old and new value. `inferred` is set where old and new come from two looks, not from the source.

    `gap` true: more changes lie between the two looks than the pair can show.
    """

    attribute: Name
    old: Maybe = msgspec.UNSET
    new: Maybe = msgspec.UNSET
    unit: Name | None = None
    inferred: Interval | None = None
    gap: bool = False


class Link(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What the record belongs to, and whether the source says so."""

    kind: LinkKind
    id: Name
    basis: LinkBasis


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One thing that happened in one source. `source_record_id` is the source's own identity of it, or one that the
    collector derives and documents; with `source` it decides what is the same record again.
    """

    source: Name
    source_record_id: Name
    action: Action
    occurred_at: SourceTime
    actor: Actor
    object: Target
    outcome: Outcome = Outcome.SUCCESS
    source_recorded_at: SourceTime | None = None
    source_sequence: Name | None = None
    changes: Annotated[tuple[Change, ...], msgspec.Meta(max_length=10_000)] = ()
    reason: Text | Sealed | None = None
    links: Annotated[tuple[Link, ...], msgspec.Meta(max_length=1_000)] = ()


class Original(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The exact bytes that the source gave, and how the record was read from them."""

    data: bytes
    media_type: Name
    parser: Name
    parser_version: Name


class Submission(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a collector hands over: a record, when it was received, the source's clock, and the original.

    `received_at` is the collector's clock (`utc_text`). In JSON the original's data is base64.
    """

    record: Record
    received_at: str
    clock: Clock | None = None
    original: Original | None = None


class OriginalRef(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An original as a body names it: by `SHA-256(0x04 ‖ salt ‖ bytes)` only; `size` in bytes."""

    commitment: Digest
    media_type: Name
    size: SafeInt
    parser: Name
    parser_version: Name


class ContentDigest(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """HMAC-SHA-256, under the ledger secret named `key`, of the canonical record before sealing (idempotency)."""

    key: Name
    hmac: Digest


class RecordBody(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag_field="schema", tag="record/1"
):
    """Body of an entry of kind `record`."""

    record: Record
    received_at: str
    digest: ContentDigest
    clock: Clock | None = None
    original: OriginalRef | None = None
