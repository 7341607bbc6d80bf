"""Edge agents as a ledger sees them: a key, and batches numbered and signed with it."""

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from ledger.core.authority import Authority
from ledger.core.batch import BatchHeader, SignedBatch, batch_digest, fingerprint, key_id, payload_digest, sign_batch
from ledger.core.note import ed25519_public_key
from ledger.core.record import Link
from ledger.core.run import RunBatch, SourceFacts
from tests.support.ledgers import AUTHORITY, ORIGIN, SOURCE, Ledger, batch, submission

OTHER = Authority(actor="local:second", authenticated=False)
RECORD_ORIGIN = f"{ORIGIN}/records"


class Device:
    """An agent as it is on site: its key, and the batch before."""

    def __init__(self, name: str = "edge1", epoch: int = 1, origin: str = RECORD_ORIGIN) -> None:
        self.name = name
        self.origin = origin
        self.epoch = epoch
        self.seed = secrets.token_bytes(32)
        self.number = 0
        self.previous: str | None = None
        self.cursor: str | None = None

    @property
    def public(self) -> bytes:
        return ed25519_public_key(self.seed)

    def enrol(self, ledger: Ledger, sources: tuple[str, ...] = (SOURCE,), between: Callable[[], object] = int) -> None:
        """Enrols it; `between` is called between the steps."""
        ledger.service.require_receipt_key(ledger.service.record_log().log, AUTHORITY)
        invited = ledger.service.agents.invite(self.name, sources, "zone 2", "line 2", AUTHORITY)
        between()
        ledger.service.agents.enrol(self.name, invited.code, self.public)
        between()
        ledger.service.agents.confirm(self.name, fingerprint(self.public), "compared on site", OTHER)

    def make(
        self,
        *numbers: int,
        source: str = SOURCE,
        facts: SourceFacts | None = None,
        links: tuple[Link, ...] | None = None,
        **header: Any,
    ) -> SignedBatch:
        """The next batch, with these records, each with these `links`; `header` changes what is signed."""
        more: dict[str, Any] = {} if links is None else {"links": links}
        run: RunBatch = batch(
            [submission(one, source, None, **more) for one in numbers],
            source,
            cursor_from=self.cursor,
            cursor_to=f"{self.epoch}.{self.number + 1}",
            facts=facts,
        )
        payload = msgspec.json.encode(run)
        usual: dict[str, Any] = {
            "agent": self.name,
            "key": key_id(self.public),
            "epoch": self.epoch,
            "number": self.number + 1,
            "previous": self.previous,
            "source": source,
            "count": len(numbers),
            "cursor": run.cursor_to,
            "payload": payload_digest(payload),
        }
        return sign_batch(BatchHeader(**(usual | header)), payload, self.origin, self.seed)

    def sent(self, made: SignedBatch) -> None:
        self.number, self.previous, self.cursor = made.header.number, batch_digest(made.header), made.header.cursor
