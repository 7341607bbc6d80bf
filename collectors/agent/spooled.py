"""What stands in an agent's spool, read back: only what was signed here, or a clear word that the file is damaged."""

from collections.abc import Collection
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from collectors.agent.identity import Identity
from ledger.core.batch import BatchHeader, SignedBatch, payload_digest, verify_batch
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError, LedgerError
from ledger.core.record import Interval
from ledger.core.run import Gap, RunBatch

T = TypeVar("T")
LOST_REASON: Final = "a batch in the agent's spool was damaged: what was read then is lost, unless its source has it"


def damaged(file: Path, how: str) -> ConfigError:
    """The error for a spool that is damaged."""
    return ConfigError(
        f"the spool {file} {how}",
        advice="Keep the file: what was not delivered may be in it. Check the disk; restore it from a copy, and have a "
        "new epoch approved.",
    )


def decoded(file: Path, data: bytes, kind: type[T], what: str) -> T:
    """What the spool keeps as JSON; raises ConfigError where it is not of that kind."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (ValueError, TypeError):
        raise damaged(file, f"is damaged: {what} cannot be read") from None


def batch_of(file: Path, identity: Identity, row: tuple[bytes, str, bytes]) -> SignedBatch:
    """A batch from its header, signature and payload; raises ConfigError unless this agent signed exactly it."""
    header = decoded(file, row[0], BatchHeader, "a batch")
    found = SignedBatch(header=header, signature=str(row[1]), payload=bytes(row[2]))
    try:
        verify_batch(found, identity.origin, identity.public_key)
    except LedgerError as error:
        raise damaged(file, f"is damaged at batch {header.number}: {error.message}") from None
    return found


def runs_of(header: bytes, payload: bytes, spooled_us: int, sources: Collection[str]) -> list[RunBatch]:
    """The run of a batch, if it is of one of these sources; for a damaged one a run of each, which names the loss."""
    try:
        if msgspec.json.decode(header, type=BatchHeader).payload == payload_digest(payload):
            run = msgspec.json.decode(payload, type=RunBatch)
            return [run] if run.source in sources else []
    except ValueError:
        pass  # which source it was of cannot be told
    at = utc_text(spooled_us)
    return [
        RunBatch(
            source=source,
            submissions=(),
            started_at=at,
            ended_at=at,
            cursor_from=None,
            cursor_to=None,
            gaps=(Gap(subject=f"source {source}"[:512], reason=LOST_REASON, between=Interval(after=at, before=at)),),
        )
        for source in sources
    ]
