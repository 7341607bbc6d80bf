"""Entries about persons in the ledger that is attacked: every table of theirs has rows, open and closed ones."""

from functools import cache

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import ORIGINAL, Draft, VaultItem, draft
from ledger.core.hashing import b64, original_commitment
from ledger.core.record import OriginalRef
from ledger.people.definition_kinds import RoleDefinition
from ledger.people.kinds import AccountEntry, AccountSort, AccountState, GrantEntry, GrantState
from ledger.people.names import account_draft
from ledger.people.person_kinds import (
    AccessReviewEntry,
    CredentialEntry,
    CredentialSort,
    CredentialState,
    DocumentEntry,
    ProfileEntry,
    Purpose,
    QualificationEntry,
    QualificationSort,
    ReviewedAccount,
    SignInEntry,
    SignInEvent,
    ViewedEntry,
    Viewing,
)
from ledger.people.roles import SCOPES, Role
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, START_US, Ledger
from tests.support.staff import Staff


def persons(ledger: Ledger, number: int) -> None:
    """A person of this round; each table is written twice for one key, and once for another."""
    account, role, admin = f"reviewer{number}", (Role.REVIEWER, Role.APPROVER)[number % 2], office(ledger).admin
    until = utc_text(START_US * 2 + number)
    person = AccountEntry(
        account=account,
        sort=AccountSort.PERSON,
        state=AccountState.ACTIVE,
        title=f"Person {number}",
        reason="joins",
        authority=admin,
        email=f"person{number}@plant.example",
    )
    granted = GrantEntry(
        grant=f"grant-{number}",
        account=account,
        state=GrantState.GRANTED,
        scopes=tuple(sorted(SCOPES[role])),
        reason="trained",
        authority=admin,
        role=role,
        sites=("records",),
        sources=("dcs",),
        from_at=utc_text(START_US + number),
        expires_at=until,
    )
    qualified = QualificationEntry(
        qualification=f"training-{number}",
        account=account,
        sort=(QualificationSort.TRAINING, QualificationSort.DEVICE)[number % 2],
        holds=True,
        how=f"course {number}",
        on="2026-11-20",
        reason="yearly",
        authority=AUTHORITY,
        role=role,
    )
    for first in (person, granted):
        ledger.store.append_one(SYSTEM_LOG, draft(first))
    seen = ledger.service.people.directory.seen()
    theirs = seen.authority(account, True, (seen.size - 2, seen.size - 1))
    bodies: list[msgspec.Struct] = [qualified]
    if number % 2:
        bodies.append(msgspec.structs.replace(qualified, holds=False, reason="taken back"))
    for sort in (CredentialSort.PASSWORD, CredentialSort.TOTP):
        component = CredentialEntry(
            credential=f"{sort.value}-{number}",
            account=account,
            sort=sort,
            state=CredentialState.SET,
            reason="set by the person",
            authority=theirs,
            expires_at=until,
        )
        bodies.append(component)
        if number % 2:
            bodies.append(msgspec.structs.replace(component, state=CredentialState.RETIRED))
    for event, count in ((SignInEvent.FAILED, number + 1), (SignInEvent.LOCKED, number + 2)):
        bodies.append(
            SignInEntry(
                account=account,
                event=event,
                purpose=(Purpose.SIGN_IN, Purpose.SIGNING)[number % 2],
                count=count,
                reason="refused components",
                authority=AUTHORITY,
            )
        )
    bodies += _site(account, role, number)
    hidden = msgspec.structs.replace(person, account=f"sealed{number}")
    for one in (*map(draft, bodies), account_draft(hidden, seal=True), _letter(number)):
        ledger.store.append_one(SYSTEM_LOG, one)


@cache
def office(ledger: Ledger) -> Staff:
    """Who makes persons once two of them hold roles."""
    return Staff(ledger.service)


def _site(account: str, role: Role, number: int) -> list[msgspec.Struct]:
    """What is of the site rather than of a person; the last of each stays open."""
    return [
        ProfileEntry(
            item=("idle_minutes", "absolute_minutes")[number % 2],
            value=str(10 + number),
            old="15",
            reason="set",
            authority=AUTHORITY,
        ),
        RoleDefinition(
            role=(Role.AUDITOR, Role.OPERATOR)[number % 2],
            scopes=tuple(sorted(SCOPES[(Role.AUDITOR, Role.OPERATOR)[number % 2]]))[: 3 - number // 2],
            reason=f"SOP {number}",
            authority=AUTHORITY,
        ),
        AccessReviewEntry(
            review=f"review-{number % 2}",
            system_size=10 + number,
            lines=(ReviewedAccount(account=account, roles=(role,), keep=True),),
            due_at=utc_text(START_US * 2 + number),
            reason="half-yearly",
            authority=AUTHORITY,
        ),
        ViewedEntry(
            account=account,
            address=f"/entries/records/{number}",
            how=(Viewing.SEEN, Viewing.EXPORTED)[number % 2],
            authority=AUTHORITY,
        ),
    ]


def _letter(number: int) -> Draft:
    """A document with its copy."""
    salt, copy = bytes([number]) * 32, b"letter %d" % number
    kept = OriginalRef(
        commitment=b64(original_commitment(salt, copy)),
        media_type="text/plain",
        size=len(copy),
        parser="none",
        parser_version="1",
    )
    entry = DocumentEntry(
        document=f"letter-{number % 2}",
        title=f"Letter {number}",
        dated=f"2026-10-0{number + 1}",
        original=kept,
        reason="sent",
        authority=AUTHORITY,
    )
    return draft(entry, (VaultItem(sort=ORIGINAL, ordinal=0, salt=salt, value=copy),))
