"""Decides again whether the test of each passkey that signed, or vouched for a key, was good on that day.

As `signing.key_tests` refuses it (21 CFR 11.300(e)): by the interval that the site's profile gave at the entry, and by
the tests that stood then. Nothing but entries of the system log is read.
"""

import msgspec

from ledger.core.binding import KeyBindingEntry
from ledger.core.entry import Entry
from ledger.core.errors import SchemaViolation
from ledger.core.signature import Mode, SignatureEntry
from ledger.integrity.profiles import Profiles
from ledger.people.device_tests import ITEM, day_at, tested_until
from ledger.people.kinds import present
from ledger.people.person_kinds import QualificationEntry, QualificationSort


class _Passkey(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    key_id: str
    made_us: int


class Overdue:
    """Passkeys and their tests in the system log, in its order; `broken` asks of its entries in any order."""

    def __init__(self) -> None:
        self._profiles = Profiles((ITEM,))
        self._passkeys: dict[str, _Passkey] = {}
        self._tests: dict[str, dict[str, list[tuple[int, QualificationEntry]]]] = {}

    def enter(self, entry: Entry) -> None:
        """Takes the system log's next entry."""
        body = present(entry.body)
        self._profiles.enter(entry.index, body)
        if isinstance(body, QualificationEntry) and body.sort is QualificationSort.DEVICE:
            said = self._tests.setdefault(body.account, {}).setdefault(body.qualification, [])
            said.append((entry.index, body))
        elif isinstance(body, KeyBindingEntry) and body.statement is not None:
            key = body.statement.key
            if key.mode is Mode.PASSKEY:
                made = _Passkey(account=body.account, key_id=key.key_id, made_us=entry.logged_us)
                self._passkeys[f"{body.statement.origin}#{entry.index}"] = made

    def broken(self, entry: Entry) -> str:
        """Why a passkey could not sign or vouch then; empty if it could, and for any entry that none made."""
        body = present(entry.body)
        if isinstance(body, SignatureEntry):
            by, did = body.statement.binding, "was signed"
        elif isinstance(body, KeyBindingEntry) and body.attestation is not None:
            by, did = body.attestation.key, "was vouched"
        else:
            return ""
        key = self._passkeys.get(by or "")
        if key is None:
            return ""
        try:
            days = self._profiles.at(entry.index).device_test_days
            until = tested_until(key.made_us, key.key_id, self._standing(key.account, entry.index), days)
        except (msgspec.DecodeError, SchemaViolation, OverflowError) as error:
            return f"what was known of the tests of passkeys then cannot be read: {error}"
        if until is None or day_at(entry.logged_us) <= until:
            return ""
        return f"it {did} by passkey {key.key_id}, whose test was good until {until} and overdue then"

    def _standing(self, account: str, index: int) -> list[QualificationEntry]:
        """The tests of a person's devices that stood before an entry, oldest first."""
        before = ([one for one in said if one[0] < index] for said in self._tests.get(account, {}).values())
        last = sorted((said[-1] for said in before if said), key=lambda one: one[0])
        return [body for _, body in last if body.holds]
