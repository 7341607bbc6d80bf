"""Until when a person's device is tested (21 CFR 11.300(e)): when it was set, and by each test that it passed since."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import Connection

from ledger.core.clock import utc_text
from ledger.people.person_kinds import QualificationEntry, QualificationSort
from ledger.people.profile import said_profile
from ledger.people.qualifications import DAY, day_of, standing, today
from ledger.store.append import Transaction
from ledger.store.store import Store

ITEM = "device_test_days"
"""The item of the site's profile that says how long a test is good."""


def device_overdue(store: Store, connection: Connection, account: str, credential: str, set_us: int) -> bool:
    """Whether the test of a person's device is no longer good (`device_due`)."""
    due = device_due(store, connection, account, credential, set_us)
    return due is not None and due < today(store)


def device_due(store: Store, connection: Connection, account: str, credential: str, set_us: int) -> date | None:
    """The last day for which a person's device is tested, by what stands now; None: for ever."""
    tests = [body for body, _ in standing(store, connection, account)]
    return tested_until(set_us, credential, tests, said_profile(store, connection).device_test_days)


def tested_until(set_us: int, credential: str, standing: Iterable[QualificationEntry], days: int) -> date | None:
    """The last day for which a device is tested that was set then; None: for ever. `standing`: what was established
    about its person, and not taken back, oldest first.

    The last test that it passed says until when it is good, by its own `until` or the days that the profile gives.
    """
    last, due = day_at(set_us), None
    for body in standing:
        if body.sort is QualificationSort.DEVICE and body.credential == credential and day_of("on", body.on) >= last:
            last, due = day_of("on", body.on), None if body.until is None else day_of("until", body.until)
    return last + days * DAY if due is None and days else due


def day_at(at_us: int) -> date:
    """The day of a moment, in UTC."""
    return date.fromisoformat(utc_text(at_us)[:10])


def changed_meanwhile(transaction: Transaction, account: str) -> bool:
    """Whether the same group commit holds, before this, another rule of tests or word of a person's devices."""
    return any(transaction.scratch.get(key) for key in (("profile", ITEM), ("devices", account)))
