"""Whether the passkeys of past signatures and attestations were tested then, by the interval and tests the log had."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from ledger.core.binding import Attestation, BindingEvent, KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.signature import Mode, SignatureEntry
from ledger.integrity.overdue import Overdue
from ledger.people.person_kinds import ProfileEntry, QualificationEntry, QualificationSort
from tests.support.ledgers import AUTHORITY
from tests.unit.test_stored_examples import EXAMPLES

AT, DAY = 1_764_000_000_000_000, 86_400_000_000
"""In the afternoon of 2025-11-24."""
BOUND = date(2025, 11, 24)
SEALED = msgspec.json.decode((EXAMPLES / "key-binding-1.json").read_bytes(), type=KeyBindingEntry)
SIGNED = msgspec.json.decode((EXAMPLES / "signature-1.json").read_bytes(), type=SignatureEntry)
assert SEALED.statement is not None
ASKED = SEALED.statement
PASSKEY = msgspec.structs.replace(
    SEALED, statement=msgspec.structs.replace(ASKED, key=msgspec.structs.replace(ASKED.key, mode=Mode.PASSKEY))
)
"""Always entry 0."""
KEY = f"{ASKED.origin}#0"
SIGNATURE = msgspec.structs.replace(SIGNED, statement=msgspec.structs.replace(SIGNED.statement, binding=KEY))
VOUCHED = msgspec.structs.replace(
    SEALED,
    event=BindingEvent.ATTESTED,
    statement=None,
    attestation=Attestation(
        origin=ASKED.origin, request=f"{ASKED.origin}#7", digest=SIGNED.statement.nonce, account="quality1",
        name="Quality One", key=KEY, how="in person", at=ASKED.at,
    ),
)  # fmt: skip


def every(days: object) -> ProfileEntry:
    value = msgspec.json.encode(days).decode()
    return ProfileEntry(item="device_test_days", value=value, old="0", reason="as the SOP says", authority=AUTHORITY)


def passed(after: int, name: str = "device-1", account: str = "quality1", **members: Any) -> QualificationEntry:
    usual: dict[str, Any] = {
        "sort": QualificationSort.DEVICE,
        "holds": True,
        "how": "signs",
        "on": str(BOUND + timedelta(days=after)),
        "reason": "monthly",
        "credential": SEALED.binding,
    }
    return QualificationEntry(qualification=name, account=account, authority=AUTHORITY, **(usual | members))


def said(*bodies: msgspec.Struct, after: float, asked: msgspec.Struct = SIGNATURE, key: Any = PASSKEY) -> str:
    """What is said of a signature or attestation this many days after the key and these entries were entered."""
    known = Overdue()
    for index, body in enumerate((key, *bodies)):
        known.enter(Entry(log=0, index=index, kind="account", logged_us=AT, body=body))
    entry = Entry(log=0, index=len(bodies) + 1, kind="signature", logged_us=AT + int(after * DAY), body=asked)
    # What comes later changes nothing of what was.
    for index, body in enumerate((asked, every(1), passed(4000, "late")), start=entry.index):
        known.enter(Entry(log=0, index=index, kind="configuration", logged_us=entry.logged_us, body=body))
    return known.broken(entry)


RETIRED = passed(20, holds=False)


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("asked", [SIGNATURE, VOUCHED], ids=["signature", "attestation"])
def test_a_passkey_signs_and_vouches_until_the_end_of_the_last_day_of_its_test(asked: msgspec.Struct) -> None:
    for bodies, last in (
        ((every(30),), 30),
        ((every(30), passed(20)), 50),
        ((every(30), passed(20), passed(10, "device-2")), 50),
        ((every(30), passed(20, until="2025-12-20")), 26),
        ((passed(20, until="2025-12-20"),), 26),
        ((every(30), passed(20), RETIRED), 30),
        ((every(30), passed(20, account="somebody")), 30),
        ((every(30), passed(20, credential="another")), 30),
        ((every(30), passed(20, sort=QualificationSort.TRAINING)), 30),
        ((every(30), passed(20, holds=False)), 30),
        ((every(30), passed(-3)), 30),
        ((every(30), every(10)), 10),
    ):
        assert said(*bodies, after=last + 0.3, asked=asked) == "", bodies
        until = BOUND + timedelta(days=last)
        found = said(*bodies, after=last + 0.4, asked=asked)
        assert f"passkey {SEALED.binding}, whose test was good until {until} and overdue then" in found, bodies


@pytest.mark.requirement("R31")
def test_without_an_interval_a_test_is_good_for_ever_and_a_sealed_key_is_no_device() -> None:
    assert said(after=9000) == ""
    assert said(every(30), every(0), after=9000) == ""
    assert said(every(30), after=9000, key=SEALED) == ""
    elsewhere = msgspec.structs.replace(SIGNATURE, statement=SIGNED.statement)
    assert said(every(30), after=9000, asked=elsewhere) == ""
    assert said(every(30), after=9000, asked=PASSKEY) == ""


def test_what_cannot_be_read_is_named() -> None:
    for body in (every("often"), passed(0, on="soon"), passed(0, on="9999-12-31"), passed(0, until="20251220")):
        assert "cannot be read" in said(every(30), body, after=1), body
