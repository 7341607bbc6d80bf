"""Tests of devices that bear identification, initial and periodic (21 CFR 11.300(e)): of passkeys that sign, too.

A passkey was tested when it proved itself by signing the request for it, and is again by a security officer, as often
as the site's profile says (`device_test_days`), or by the day that the last test named. One that is overdue signs
nothing and vouches for nobody; its person and the security officers are told two weeks before, and then.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.binding import KeyBindingEntry
from ledger.core.errors import Conflict, NotSignatory
from ledger.core.key_history import Standing
from ledger.core.signature import Mode
from ledger.people import tables
from ledger.people.components import SECOND, read_components
from ledger.people.credentials import read_entry
from ledger.people.device_tests import changed_meanwhile, day_at, device_due
from ledger.people.notice_kinds import Subject
from ledger.people.notices import responsible
from ledger.people.qualifications import today
from ledger.signing.history import read_history
from ledger.signing.reminders import Tells
from ledger.signing.tables import key_binding
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

SOON: Final = timedelta(days=14)
EVERY_US: Final = 3_600_000_000
"""How often the devices are looked through."""


class DueTest(msgspec.Struct, frozen=True, kw_only=True):
    """A device with the last day for which it is tested; `device`: what `trailseal user qualify --credential` takes."""

    account: str
    device: str
    title: str
    due: date


def key_due(store: Store, connection: Connection, key: Standing) -> date | None:
    """The last day for which a signing key's device is tested; None for ever, and for what is no device here."""
    if key.key.mode is not Mode.PASSKEY or key.revoked is not None:
        return None
    made_us = read_entry(store, connection, key.requested, KeyBindingEntry)[1]
    return device_due(store, connection, key.account, key.key.key_id, made_us)


def require_tested(store: Store, connection: Connection, key: Standing) -> None:
    """Raises NotSignatory for a passkey whose test is overdue."""
    _require(key, key_due(store, connection, key), today(store))


def require_tested_at(store: Store, transaction: Transaction, key: Standing) -> None:
    """The same under the head lock, on the day that the entry will say; level 2 judges by that (`integrity.overdue`).

    Raises Conflict where what the test's end rests on is changed by the same group commit.
    """
    if key.key.mode is Mode.PASSKEY and changed_meanwhile(transaction, key.account):
        raise Conflict("what is known of your devices was changed meanwhile", advice="Do it once more.")
    _require(key, key_due(store, transaction.connection, key), day_at(transaction.logged_us))


def _require(key: Standing, due: date | None, on: date) -> None:
    if due is not None and due < on:
        raise NotSignatory(
            f"the test of signing passkey {key.key.key_id} was good until {due}, and is overdue",
            advice="Have a security officer test it and record that (`trailseal user qualify`), then sign.",
        )


class KeyTests:
    """Tells of tests that are due. For one thread at a time."""

    def __init__(self, store: Store, tell: Tells) -> None:
        self._store = store
        self._tell = tell
        self._looked_us: int | None = None

    def remind(self) -> int:
        """Tells of each test that is due soon, and of each that is overdue, once; returns how many notices were new."""
        now_us = self._store.clock.now_us()
        if self._looked_us is not None and 0 <= now_us - self._looked_us < EVERY_US:
            return 0
        self._looked_us = now_us
        now = today(self._store)
        with self._store.reading() as connection:
            found = [one for one in due_tests(self._store, connection) if one.due - SOON <= now]
            officers = responsible(connection)
        told = 0
        for one in found:
            subject = Subject.DEVICE_TEST_OVERDUE if one.due < now else Subject.DEVICE_TEST_DUE
            new = self._tell(
                (one.account, *officers),
                subject,
                once=f"device-{one.device}/{one.due}/{subject.value}",
                account=one.account,
                device=one.title,
                due=str(one.due),
            )
            told += new is not None
        return told


def due_tests(store: Store, connection: Connection) -> Iterator[DueTest]:
    """Every device that people sign in or sign with, of which the test is good until some day."""
    row = tables.credential.c
    having = select(row.account).where(row.log == SYSTEM_LOG, row.to_index.is_(None)).distinct()
    for account in sorted(connection.scalars(having.where(row.sort.in_([one.value for one in SECOND])))):
        for one in read_components(store, connection, account):
            due = device_due(store, connection, account, one.name, one.set_us) if one.sort in SECOND else None
            if due is not None:
                yield DueTest(account=account, device=one.name, title=one.body.title or one.name, due=due)
    history = read_history(store, connection)
    keys = select(key_binding.c.account).where(key_binding.c.log == SYSTEM_LOG).distinct()
    for account in sorted(connection.scalars(keys)):
        for key in history.of(account):
            due = key_due(store, connection, key)
            if due is not None:
                yield DueTest(account=account, device=key.key.key_id, title=key.key.key_id, due=due)
