"""What is established about persons: identity, accountability, training, devices; each by somebody else, and dated.

21 CFR 11.100(b): no signing before another person recorded how the identity was verified. 11.10(j): nor before the
person signed that they answer for what is done under their signature. 11.10(i): a role can take dated training, and
ends with it. 11.300(e): devices are tested, and the results kept.
"""

import secrets
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, parse_address
from ledger.core.authority import Authority
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.people import tables
from ledger.people.administration import is_person, require_admin
from ledger.people.credentials import current, read_account, read_entry, view
from ledger.people.directory import Directory
from ledger.people.ending import Ends
from ledger.people.kinds import AccountState
from ledger.people.log_view import log_view
from ledger.people.person_kinds import QualificationEntry, QualificationSort
from ledger.people.profile import read_profile
from ledger.people.roles import Role
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

DAY: Final = timedelta(days=1)


class Established(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is established about a person, and was not taken back; `index` is its entry."""

    qualification: str
    account: str
    sort: QualificationSort
    how: str
    on: str
    until: str | None
    role: Role | None
    credential: str | None
    text: str | None
    signature: str | None
    by: str
    index: int


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """A training record in force: its address, and when it ends (the end of its last day, UTC)."""

    qualification: str
    address: str
    index: int
    ends_us: int | None


class Qualifications:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, directory: Directory) -> None:
        self._store = store
        self._directory = directory

    def identity(self, account: str, how: str, on: str, reason: str, authority: Authority) -> int:
        """Another person verified who this is, by these means, on that day; returns the entry's index.

        A person who signed in says so, or, in the first start, who holds the folder. Raises AccessDenied, NotFound.
        """

        def by_a_person(transaction: Transaction) -> None:
            if authority.authenticated and not is_person(self._store, transaction.connection, authority):
                raise AccessDenied(
                    "an identity is verified by a person, not by a service's token",
                    advice="Sign in, and record it in your own name.",
                )

        return self._record(account, QualificationSort.IDENTITY, how, on, reason, authority, more=by_a_person)

    def training(
        self, account: str, role: Role, how: str, on: str, until: str | None, reason: str, authority: Authority
    ) -> int:
        """The person was trained for a role; it counts from a day to the end of another. Returns the entry's index."""
        return self._record(account, QualificationSort.TRAINING, how, on, reason, authority, until=until, role=role)

    def device(
        self,
        account: str,
        credential: str,
        how: str,
        on: str,
        reason: str,
        authority: Authority,
        *,
        passed: bool = True,
        until: str | None = None,
    ) -> int:
        """A device of the person's was tested, with this result; `until`: when the next test is due."""
        sort = QualificationSort.DEVICE
        return self._record(account, sort, how, on, reason, authority, until=until, credential=credential, holds=passed)

    def accountability(self, account: str, version: str, signature: str, authority: Authority) -> int:
        """The person signed the accountability statement of this version; `signature` is the signature's address.

        Only the person says so of themselves. Whether the signature holds is level 4's to verify.
        """
        if not authority.authenticated or authority.actor != account:
            raise AccessDenied("nobody signs the accountability statement for somebody else")
        parse_address(signature)
        entry = self._entry(
            account,
            QualificationSort.ACCOUNTABILITY,
            "signed",
            str(today(self._store)),
            "accountability statement",
            authority,
            text=version,
            signature=signature,
        )
        return self._append(entry, lambda transaction: self._require_active(transaction, account))

    def withdraw(self, qualification: str, reason: str, authority: Authority) -> int:
        """Takes back what was established; grants that rest on a training are revoked in the same batch.

        Returns the entry's index; raises NotFound, AccessDenied.
        """
        with self._store.reading() as connection:
            index = current(connection, tables.qualification, qualification)
            if index is None:
                raise NotFound(f"nothing is established as {qualification!r}, or it was taken back")
            now, _ = read_entry(self._store, connection, index, QualificationEntry)
            address = str(Address(view(connection).origin, index))
        if authority.actor == now.account:
            raise AccessDenied("nobody takes back what is established about themselves")
        entry = msgspec.structs.replace(now, holds=False, reason=reason, authority=authority)
        ends = Ends(self._store)

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            key = ("withdrawn", qualification)
            if (
                transaction.scratch.get(key)
                or current(transaction.connection, tables.qualification, qualification) != index
            ):
                raise Conflict("it was taken back meanwhile")
            if transaction.scratch.get(("granted", now.account)):
                raise Conflict(f"{now.account} was given a right at this moment", advice="Do it once more.")
            transaction.scratch[key] = True
            if now.sort is QualificationSort.TRAINING:
                ends.grants(transaction, now.account, reason, authority, training=address)
            elif now.sort is QualificationSort.DEVICE:
                transaction.scratch["devices", now.account] = True

        placed = self._store.append(SYSTEM_LOG, Batch([draft(entry)], closing=ends.close, before=check))
        self._directory.forget()
        return placed[0].index

    def of(self, account: str) -> list[Established]:
        """What is established about an account and was not taken back, oldest first; also what is out of date."""
        with self._store.reading() as connection:
            return [_shown(body, index) for body, index in standing(self._store, connection, account)]

    def has_identity(self, account: str) -> bool:
        """Whether another person recorded how this one's identity was verified, and no new check is due."""
        with self._store.reading() as connection:
            return has_identity(self._store, connection, account)

    def accountable(self, account: str, version: str) -> bool:
        """Whether the person signed this version of the accountability statement."""
        with self._store.reading() as connection:
            return accountable(self._store, connection, account, version)

    def _record(
        self,
        account: str,
        sort: QualificationSort,
        how: str,
        on: str,
        reason: str,
        authority: Authority,
        *,
        until: str | None = None,
        role: Role | None = None,
        credential: str | None = None,
        holds: bool = True,
        more: Callable[[Transaction], None] | None = None,
    ) -> int:
        if authority.actor == account:
            raise AccessDenied("somebody else records this about a person", advice="Ask another administrator.")
        entry = self._entry(
            account, sort, how, on, reason, authority, until=until, role=role, credential=credential, holds=holds
        )

        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, authority)
            if more is not None:
                more(transaction)
            self._require_active(transaction, account)
            if sort is QualificationSort.DEVICE:
                transaction.scratch["devices", account] = True

        return self._append(entry, check)

    def _entry(
        self,
        account: str,
        sort: QualificationSort,
        how: str,
        on: str,
        reason: str,
        authority: Authority,
        **more: object,
    ) -> QualificationEntry:
        """The entry; raises SchemaViolation for days that are none, are still to come, or out of order."""
        begins, until = day_of("on", on), more.get("until")
        if begins > today(self._store) + DAY:  # somewhere it is tomorrow already
            raise SchemaViolation(f"{on} is still to come")
        if isinstance(until, str) and day_of("until", until) < begins:
            raise SchemaViolation(f"it would end on {until}, before it begins on {on}")
        if not how.strip() or not reason.strip():
            raise SchemaViolation("how, and the reason, have to be said in words")
        members: dict[str, object] = {"holds": True, **more}
        return QualificationEntry(
            qualification=f"{sort.value}-{secrets.token_hex(8)}",
            account=account,
            sort=sort,
            how=how,
            on=on,
            reason=reason,
            authority=authority,
            **members,  # type: ignore[arg-type]
        )

    def _append(self, entry: QualificationEntry, check: Callable[[Transaction], None]) -> int:
        return self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index

    def _require_active(self, transaction: Transaction, account: str) -> None:
        found = read_account(self._store, transaction.connection, account)
        if found is None:
            raise NotFound(f"there is no account {account!r}")
        if found[0].state is not AccountState.ACTIVE or transaction.scratch.get(("deactivated", account)):
            raise Conflict(f"account {account!r} is deactivated")


def today(store: Store) -> date:
    """The day that it is now, in UTC."""
    return date.fromisoformat(utc_text(store.clock.now_us())[:10])


def has_identity(store: Store, connection: Connection, account: str) -> bool:
    """Whether a check of this person's identity by another is on record, and not older than the profile allows."""
    days = read_profile(connection).identity_check_days
    now = today(store)
    for body, _ in standing(store, connection, account):
        if body.sort is QualificationSort.IDENTITY and (days == 0 or now <= day_of("on", body.on) + days * DAY):
            return True
    return False


def accountable(store: Store, connection: Connection, account: str, version: str) -> bool:
    """Whether a signature of this person's under that version of the accountability statement is on record."""
    return any(
        body.sort is QualificationSort.ACCOUNTABILITY and body.text == version and body.signature is not None
        for body, _ in standing(store, connection, account)
    )


def training_in_force(store: Store, connection: Connection, account: str, role: Role) -> Training | None:
    """The training for a role that lasts longest of those in force; None where none is."""
    now, origin = store.clock.now_us(), view(connection).origin
    found = []
    for body, index in standing(store, connection, account):
        if body.sort is not QualificationSort.TRAINING or body.role is not role:
            continue
        ends = None if body.until is None else _start_us(day_of("until", body.until) + DAY)
        if _start_us(day_of("on", body.on)) <= now and (ends is None or ends > now):
            address = str(Address(origin, index))
            found.append(Training(qualification=body.qualification, address=address, index=index, ends_us=ends))
    return max(found, key=lambda one: (one.ends_us is None, one.ends_us or 0), default=None)


def standing(store: Store, connection: Connection, account: str) -> list[tuple[QualificationEntry, int]]:
    """What is established about an account and was not taken back, oldest first, each with its entry."""
    row = tables.qualification.c
    indices = connection.scalars(
        select(row.from_index)
        .where(row.log == SYSTEM_LOG, row.account == account, row.to_index.is_(None))
        .order_by(row.from_index)
    ).all()
    log_view(store).require(connection, indices)
    bodies = ((read_entry(store, connection, index, QualificationEntry)[0], index) for index in indices)
    return [(body, index) for body, index in bodies if body.account == account and body.holds]


def _shown(body: QualificationEntry, index: int) -> Established:
    return Established(
        qualification=body.qualification,
        account=body.account,
        sort=body.sort,
        how=body.how,
        on=body.on,
        until=body.until,
        role=body.role,
        credential=body.credential,
        text=body.text,
        signature=body.signature,
        by=body.authority.actor,
        index=index,
    )


def day_of(name: str, text: str) -> date:
    """The day that a text such as 2026-11-25 names; raises SchemaViolation for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise SchemaViolation(f"{name}: {text!r} is no day", advice="Write it as 2026-11-25.")
    return day


def _start_us(day: date) -> int:
    return parse_utc(f"{day.isoformat()}T00:00:00.000000Z")
