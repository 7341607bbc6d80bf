"""An enrolled agent's folder without any ledger behind it, for tests of its spool."""

import secrets
from pathlib import Path
from typing import Any

import msgspec

from collectors.agent.files import write_whole
from collectors.agent.identity import ENROLLED_FILE, KEY_FILE, Identity
from collectors.agent.place import Limits
from collectors.agent.spool import Spool
from ledger.core.batch import BatchReceipt, SignedBatch, batch_digest, sign_receipt
from ledger.core.clock import SystemClock
from ledger.core.enrolment import Enrolled
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner
from ledger.core.run import RunBatch
from tests.support.ledgers import batch, submission

ORIGIN = "plant.example/a/records"
SOURCE = "erp"


class Edge:
    """An enrolled agent's folder, and the ledger's receipt key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receipt_seed = secrets.token_bytes(32)
        receipts = NoteSigner(f"{ORIGIN}/receipt", self.receipt_seed)
        log = NoteSigner(ORIGIN, secrets.token_bytes(32))
        enrolled = Enrolled(
            agent="edge1",
            log="records",
            origin=ORIGIN,
            log_key=str(log.verifier),
            receipt_key=str(receipts.verifier),
            epoch=1,
            sources=(SOURCE,),
            certificate="",
            authority="",
        )
        folder.mkdir(exist_ok=True)
        write_whole(folder / KEY_FILE, b64(secrets.token_bytes(32)).encode())
        write_whole(folder / ENROLLED_FILE, msgspec.json.encode(enrolled))
        self.identity = Identity(folder)

    def spool(self, **limits: int) -> Spool:
        return Spool(self.identity, SystemClock(), Limits(**{"free_mib": 0, **limits}))

    def receipt(self, made: SignedBatch, size: int, seed: bytes | None = None) -> Any:
        head = made.header
        told = BatchReceipt(
            agent=head.agent,
            epoch=head.epoch,
            number=head.number,
            digest=batch_digest(head),
            run=size - 2,
            first=None,
            size=size,
        )
        return sign_receipt(told, ORIGIN, seed or self.receipt_seed)


def run(at: int, size: int = 10) -> RunBatch:
    return batch(
        [submission(at, data=b"x" * size)],
        SOURCE,
        cursor_from=str(at - 1) if at > 1 else None,
        cursor_to=str(at),
    )
