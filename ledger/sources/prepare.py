"""From a submission to a draft: everything that can be checked and computed before the log is locked.

A submission that can't become a record becomes a `Rejected` with the reason; nothing is dropped.
"""

import secrets
from functools import lru_cache
from typing import Any

import msgspec

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.digests import Digests
from ledger.core.entry import ORIGINAL, SALT_SIZE, Draft, SourceKey, VaultItem, draft
from ledger.core.errors import InvalidEntry, SchemaViolation
from ledger.core.hashing import b64, original_commitment
from ledger.core.record import ContentDigest, Original, OriginalRef, Record, RecordBody, Submission
from ledger.core.run import Rejected
from ledger.core.sealing import holds_sealed, seal
from ledger.core.times import Clock
from ledger.core.vault import MAX_ORIGINAL

MAX_NAME = 512
"""Characters of a name in a body (`core.record.Name`)."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands in body and search columns for U+0000 and for a lone surrogate of a source's text; the original keeps it."""


class Preparer:
    """Prepares the submissions of one source: its sealed members, and the ledger's keyed content digest."""

    def __init__(self, source: str, seal_members: frozenset[str], digests: Digests) -> None:
        self._source = source
        self._seal = seal_members
        self.digests = digests
        self._clock: Clock | None = None

    def prepare(self, submission: Submission) -> Draft | Rejected:
        """The draft of a record entry, or what is to be quarantined and why."""
        try:
            return self._draft(submission)
        except InvalidEntry as error:
            return rejected(submission, error.message)

    def _draft(self, submission: Submission) -> Draft:
        parse_utc(submission.received_at)
        record, encoded = _checked(submission.record)
        if record.source != self._source:
            raise SchemaViolation(f"the record names source {record.source!r}, the run is of {self._source!r}")
        if b'"sealed"' in encoded and holds_sealed(record):
            raise SchemaViolation('the shape {"sealed": …} is reserved: a source may not send it')
        digest = self.digests(encoded)
        before = self.digests.before(encoded)
        sealed, items = seal(record, self._seal)
        reference = None
        if submission.original is not None:
            reference, item = keep_original(submission.original)
            items = (*items, item)
        body = RecordBody(
            record=sealed,
            received_at=submission.received_at,
            digest=ContentDigest(key=self.digests.key, hmac=b64(digest)),
            clock=self._checked_clock(submission.clock),
            original=reference,
        )
        if sealed is not record:
            encoded = canonical.encode_struct(sealed)
        return draft(
            body, items, SourceKey(record.source, record.source_record_id, digest), _encode(body, encoded), before
        )

    def _checked_clock(self, clock: Clock | None) -> Clock | None:
        """A run's records share one measurement of the clock: it is checked once."""
        if clock is not None and clock is not self._clock:
            canonical.encode_struct(clock)
            self._clock = clock
        return clock


class _Encoded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="schema", tag="record/1"):
    """A `RecordBody` whose record is encoded already."""

    record: msgspec.Raw
    received_at: str
    digest: ContentDigest
    clock: Clock | None = None
    original: OriginalRef | None = None


_encoder = msgspec.json.Encoder(order="sorted")


def _encode(body: RecordBody, record: bytes) -> bytes:
    """The canonical bytes of a body, given those of its record: those of `encode_struct`, without the work twice."""
    return _encoder.encode(
        _Encoded(
            record=msgspec.Raw(record),
            received_at=body.received_at,
            digest=body.digest,
            clock=body.clock,
            original=body.original,
        )
    )


def keep_original(original: Original) -> tuple[OriginalRef, VaultItem]:
    """How a body names an original, and the vault's item. Raises SchemaViolation above 16 MiB."""
    _check_names(original.media_type, original.parser, original.parser_version)
    if len(original.data) > MAX_ORIGINAL:
        raise SchemaViolation(f"an original of {len(original.data)} bytes is larger than {MAX_ORIGINAL}")
    salt = secrets.token_bytes(SALT_SIZE)
    reference = OriginalRef(
        commitment=b64(original_commitment(salt, original.data)),
        media_type=original.media_type,
        size=len(original.data),
        parser=original.parser,
        parser_version=original.parser_version,
    )
    return reference, VaultItem(sort=ORIGINAL, ordinal=0, salt=salt, value=original.data)


@lru_cache(maxsize=1024)
def _check_names(*names: str) -> None:
    """Raises SchemaViolation for what no body could name; a source's originals share their names, so seldom run."""
    for name in names:
        if not 0 < len(name) <= MAX_NAME or replaced(name) != name:
            raise SchemaViolation(f"an original's media type or parser can't be {name[:80]!r}")


def rejected(submission: Submission, reason: str) -> Rejected:
    """The quarantine's view of a submission: its original if it has one, else itself as JSON."""
    if submission.original is not None:
        data, media_type = submission.original.data, submission.original.media_type
    else:
        data, media_type = msgspec.json.encode(_replaced(submission)), "application/json"
    return Rejected(data=data, media_type=media_type, reason=reason, received_at=submission.received_at)


def _checked(record: Record) -> tuple[Record, bytes]:
    """The record and its canonical bytes, which hold no U+0000; encoding has checked every member's type and bounds."""
    try:
        encoded = canonical.encode_struct(record)
        if b"\\u0000" not in encoded:
            return record, encoded
    except InvalidEntry:
        pass  # a lone surrogate, or a value out of bounds: decided below, with the replacement in place
    try:
        clean = msgspec.convert(_replaced(record), Record)
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"record: {error}") from None
    return clean, canonical.encode_struct(clean)


def replaced(text: str) -> str:
    """The text with every U+0000 and lone surrogate replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", REPLACEMENT)


def _replaced(value: Any) -> Any:
    """The value as plain JSON, each of its texts `replaced`."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, str):
        return replaced(value)
    if isinstance(value, dict):
        return {_replaced(key): _replaced(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(member) for member in value]
    return value
