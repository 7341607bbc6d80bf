"""Incidents in the ledger that is attacked: cases that stand differently, and epochs."""

import msgspec

from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.findings.incident_kinds import CaseEvent, Cause, DamagedPlace, Entries, Epoch, IncidentCase, LastProven
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, Ledger


def incidents(ledger: Ledger, number: int) -> None:
    """A case and an epoch of this round; from the second on a case goes on."""
    log = ledger.service.logs["records"]
    proven = LastProven(origin=log.origin, size=number + 1, basis="signer", root=b64(bytes(32)))
    case = IncidentCase(
        case=f"2026-11-29-0000000{number}",
        event=CaseEvent.OPENED,
        reason="an entry does not hold",
        authority=AUTHORITY,
        cause=Cause.VERIFICATION,
        affected=(Entries(origin=log.origin, runs=f"{number}"),),
        proven=(proven,),
    )
    opening = ledger.store.append_one(SYSTEM_LOG, draft(case)).index
    if number:
        goes_on = msgspec.structs.replace(case, event=CaseEvent.RESTORED, backup=f"backup {number}", opening=opening)
        ledger.store.append_one(SYSTEM_LOG, draft(goes_on))
    epoch = Epoch(
        origin=log.origin,
        number=number + 2,
        case=case.case,
        size=number + 1,
        root=b64(bytes([number]) * 32),
        proven=proven,
        damage=(DamagedPlace(index=number, table="body", state=b64(bytes(32))),),
        reason="no backup holds",
        authority=AUTHORITY,
    )
    ledger.store.append_one(log.number, draft(epoch))
