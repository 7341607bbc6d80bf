"""Entries of what comes from outside in the ledger that is attacked: trust anchors, and signatures by hand."""

import secrets

import msgspec

from ledger.core.admission import AdmissionEvent
from ledger.core.anchors import TrustAnchorEntry, anchor_id
from ledger.core.entry import ORIGINAL, SALT_SIZE, VaultItem, draft
from ledger.core.hashing import b64, original_commitment
from ledger.core.paper import PaperEntry, PaperEvent, Printed, PrintSort
from ledger.core.passkey import b64url
from ledger.core.record import OriginalRef
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, ORIGIN, Ledger


def outside(ledger: Ledger, number: int) -> None:
    """Of each an open row and a closed one: anchors and papers of even rounds are withdrawn."""
    anchor = f"certificate of round {number}".encode()
    proposed = TrustAnchorEntry(
        anchor=anchor_id(anchor),
        event=AdmissionEvent.PROPOSED,
        subject=f"CN=Authority {number}",
        reason="our trust service",
        authority=AUTHORITY,
        certificate=b64url(anchor),
    )
    events = (AdmissionEvent.CONFIRMED, *((AdmissionEvent.WITHDRAWN,) if number % 2 == 0 else ()))
    for body in (
        proposed,
        *(msgspec.structs.replace(proposed, event=event, certificate=None, reason=event.value) for event in events),
    ):
        ledger.store.append_one(SYSTEM_LOG, draft(body))
    _paper(ledger, number)


def _paper(ledger: Ledger, number: int) -> None:
    scan, salt = f"%PDF-1.7 scan {number}".encode(), secrets.token_bytes(SALT_SIZE)
    entered = PaperEntry(
        paper=f"{number:016x}",
        event=PaperEvent.ENTERED,
        printed=Printed(
            sort=(PrintSort.ENTRY, PrintSort.SIGNATURE)[number % 2],
            address=f"{ORIGIN}/{('records', 'system')[number % 2]}#{number + 1}",
            digest=b64(bytes([number]) * 32),
        ),
        reason="terminal was down",
        authority=AUTHORITY,
        meaning=f"Checked, round {number}",
        name=f"Person {number}",
        signed_on="2026-11-20",
        kept_at=f"binder {number}",
        original=OriginalRef(
            commitment=b64(original_commitment(salt, scan)),
            media_type="application/pdf",
            size=len(scan),
            parser="none",
            parser_version="1",
        ),
    )
    item = VaultItem(sort=ORIGINAL, ordinal=0, salt=salt, value=scan)
    ledger.store.append_one(SYSTEM_LOG, draft(entered, (item,)))
    for event in (PaperEvent.CHECKED, *((PaperEvent.WITHDRAWN,) if number % 2 == 0 else ())):
        later = PaperEntry(
            paper=entered.paper, event=event, printed=entered.printed, reason=event.value, authority=AUTHORITY
        )
        ledger.store.append_one(SYSTEM_LOG, draft(later))
