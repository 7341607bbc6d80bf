"""Searches for persons in the ledger that is attacked, and purposes that were opened, some of them closed."""

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import Draft, draft
from ledger.core.hashing import b64
from ledger.core.record import ContentDigest
from ledger.core.sealing import seal_value
from ledger.people.access import Scope
from ledger.people.credentials import current, view
from ledger.people.kinds import GrantEntry, GrantState
from ledger.people.tables import account as accounts
from ledger.privacy.erasure_kinds import CoverSort, ErasedRow, ErasureEntry, ErasureEvent, Ground
from ledger.privacy.look_up_kinds import Basis, LookUpEntry, LookUpEvent, Purpose
from ledger.retention.hold_kinds import HoldEntry1
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, START_US, Ledger


def privacy(ledger: Ledger, number: int) -> None:
    """A search of this round, within a purpose; every other purpose is closed."""
    sealed, item = seal_value("person", f"operator{number}", 0)
    opened = LookUpEntry(
        event=LookUpEvent.OPENED,
        account=f"reviewer{number}",
        purpose=(Purpose.REVIEW, Purpose.INSPECTION)[number % 2],
        authority=AUTHORITY,
        session=f"purpose-{number}",
        context=f"review {number}",
        expires_at=utc_text(START_US * 2 + number),
    )
    searched = msgspec.structs.replace(
        opened,
        event=LookUpEvent.SEARCHED,
        log="records",
        by=(Basis.ACTOR,),
        person=sealed,
        person_digests=(ContentDigest(key="0123456789abcdef", hmac=b64(bytes([number + 1]) * 32)),),
        count=number + 1,
        context=None,
        expires_at=None,
    )
    entries = [draft(opened), draft(searched, (item,))]
    if number % 2:
        entries.append(draft(msgspec.structs.replace(opened, event=LookUpEvent.CLOSED)))
    for one in entries:
        ledger.store.append_one(SYSTEM_LOG, one)
    approvers = [approver(ledger, f"approver-{name}{number}") for name in "ab"]
    for one in _erasures(number, approvers):
        ledger.store.append_one(SYSTEM_LOG, one)


def approver(ledger: Ledger, account: str) -> Authority:
    """Somebody who may approve, and is known."""
    ledger.service.people.create_account(account, account, "set-up", AUTHORITY)
    grant = GrantEntry(
        grant=f"grant-{account}",
        account=account,
        state=GrantState.GRANTED,
        scopes=(Scope.APPROVE,),
        reason="approves",
        authority=AUTHORITY,
    )
    index = ledger.store.append_one(SYSTEM_LOG, draft(grant)).index
    with ledger.store.reading() as connection:
        made = current(connection, accounts, account)
        assert made is not None
        return view(connection).authority(account, True, (made, index))


def _erasures(number: int, approvers: list[Authority]) -> list[Draft]:
    """A request that was erased (of entries that no log has yet), one that was refused, and holds, some lifted."""
    asked = ErasureEntry(
        erasure=f"erasure-{number}",
        event=ErasureEvent.REQUESTED,
        target=f"plant.example/ledger/records#{number}",
        member="reason",
        ground=Ground.OBJECTION,
        reason=f"asked {number}",
        authority=AUTHORITY,
    )
    rows = tuple(
        ErasedRow(log=1, index=1_000_000 + number, sort=sort, ordinal=ordinal + number)
        for sort, ordinal in (("sealed", 1), ("original", 0))
    )
    refused = msgspec.structs.replace(
        asked, erasure=f"refused-{number}", event=ErasureEvent.REFUSED, cover=CoverSort.RETENTION, answer="kept"
    )
    held = HoldEntry1(
        hold=f"hold-{number}",
        holds=True,
        log=("records", "system")[number % 2],
        source=("erp", "historian")[number // 2],
        reason="claim",
        authority=AUTHORITY,
    )
    approved = [
        msgspec.structs.replace(asked, event=ErasureEvent.APPROVED, authority=one, rows=rows) for one in approvers
    ]
    bodies: list[msgspec.Struct] = [
        asked,
        *approved,
        msgspec.structs.replace(approved[-1], event=ErasureEvent.ERASED),
        refused,
        held,
    ]
    if number % 2:
        bodies.append(msgspec.structs.replace(held, holds=False))
    return [draft(body) for body in bodies]
