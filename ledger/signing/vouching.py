"""Vouching: two people say by their own keys whose a new key is, or one of them refuses, which ends its request.

Who vouches compares the key's fingerprint with what its person reads out to them. Whoever reset something of a
person's, or refused or revoked a key of theirs, vouches for no later one; nor does the person.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import parse_address
from ledger.core.binding import (
    VOUCHERS,
    Attestation,
    BindingEvent,
    BindingStatement,
    KeyBindingEntry,
    act_challenge,
    act_message,
)
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, NotSignatory, SchemaViolation
from ledger.core.hashing import b64
from ledger.core.key_history import KeyHistory, Standing
from ledger.core.signature import Mode, PasskeyProof
from ledger.people.access import Caller
from ledger.people.credentials import read_entry
from ledger.people.names import printed_name
from ledger.people.person_kinds import QualificationEntry
from ledger.people.security import network_of
from ledger.signing import prepared
from ledger.signing.bindings import Bindings, Told
from ledger.signing.exclusions import who_reset
from ledger.signing.factors import Shown
from ledger.signing.history import active, read_history, sealed_row
from ledger.signing.key_tests import require_tested_at
from ledger.signing.key_views import IdentityCheck, KeyToVouch, ToAttest, fingerprint_of
from ledger.signing.placing import require_place
from ledger.signing.tables import key_binding
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_ATTEST: Final = "attestation"
_WAITING: Final = (BindingEvent.REQUESTED.value, BindingEvent.ATTESTED.value)


class Vouching:
    """Safe to use from any number of threads; vouching by a sealed key takes Argon2's time."""

    def __init__(self, store: Store, bindings: Bindings, told: Told | None = None) -> None:
        self._store = store
        self._bindings = bindings
        self._told = told or (lambda account, what, index: None)

    def waiting(self, caller: Caller) -> list[KeyToVouch]:
        """The keys that wait for a voucher, and that this person may vouch for now, in the order of their requests."""
        if not caller.person:
            return []
        row = key_binding.c
        with self._store.reading() as connection:
            accounts = connection.scalars(
                select(row.account)
                .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.event.in_(_WAITING))
                .where(row.account != caller.account)
                .distinct()
            ).all()
            if not accounts:
                return []
            history = read_history(self._store, connection)
            found = [one for account in accounts for one in history.of(account)]
            return [
                _shown(history, one)
                for one in sorted(found, key=lambda one: one.requested)
                if self._vouches(connection, history, caller, one)
            ]

    def get(self, caller: Caller, key_id: str) -> KeyToVouch:
        """One of them, with what a voucher looks at; raises as `to_attest`."""
        with self._store.reading() as connection:
            history = read_history(self._store, connection)
            subject, own = self._may_vouch(connection, history, caller, key_id, None)
            index = parse_address(self._request(connection, subject).identity).index
            checked, _ = read_entry(self._store, connection, index, QualificationEntry)
            return msgspec.structs.replace(
                _shown(history, subject),
                modes=tuple(dict.fromkeys(one.key.mode for one in reversed(own))),
                identity=IdentityCheck(how=checked.how, on=checked.on, by=checked.authority.actor),
            )

    def refuse(self, caller: Caller, key_id: str, reason: str) -> int:
        """Ends the request for a key that somebody could vouch for and does not know to be its person's.

        Its person has their identity checked again before the next. Returns the entry's index; raises as `to_attest`,
        so that nobody ends a key that counts already, and SchemaViolation without a reason.
        """
        if not reason.strip():
            raise SchemaViolation("a refusal takes a reason", advice="Say in a sentence what is not right.")

        def check(transaction: Transaction) -> None:
            now = read_history(self._store, transaction.connection)
            self._may_vouch(transaction.connection, now, caller, key_id, None)

        with self._store.reading() as connection:
            self._may_vouch(connection, read_history(self._store, connection), caller, key_id, None)
        return self._bindings.revoke(key_id, reason, caller.authority, before=check)

    def to_attest(self, caller: Caller, key_id: str, how: str, mode: Mode | None = None) -> ToAttest:
        """What the caller signs to vouch for a key; `how` they know whose it is. Raises as `attest`."""
        with self._store.reading() as connection:
            history = read_history(self._store, connection)
            subject, own = self._may_vouch(connection, history, caller, key_id, mode)
            voucher = own[-1]
            name = printed_name(self._store, connection, caller.account) or caller.account
            said = Attestation(
                origin=history.origin,
                request=history.address(subject),
                digest=subject.digest,
                account=caller.account,
                name=name,
                key=history.address(voucher),
                how=how,
                at=utc_text(self._store.clock.now_us()),
            )
            asked = self._request(connection, subject)
        ident = prepared.put(self._store, _ATTEST, caller.account, said)
        return _to_attest(ident, said, asked, voucher)

    def prepared(self, ident: str) -> ToAttest:
        """What waits under this id to be signed by a voucher; raises NotFound where it is over, or signed."""
        with self._store.reading() as connection:
            _, said = prepared.get(self._store, connection, _ATTEST, ident, Attestation)
            history = read_history(self._store, connection)
            asked = self._request(connection, history.at(said.request))
            return _to_attest(ident, said, asked, history.at(said.key))

    def attest(
        self,
        caller: Caller,
        ident: str,
        reason: str,
        shown: Shown | None = None,
        passkey: PasskeyProof | None = None,
        network: str | None = None,
    ) -> int:
        """Vouches for a key by the caller's own; the second voucher makes it count. Returns the entry's index.

        Raises NotSignatory for the key's own person, for whoever reset something of theirs, and without a key that
        counts; Conflict where the key waits for no (more) voucher; NotAuthenticated for a wrong secret; AccessDenied
        where the site lets nobody sign from.
        """
        with self._store.reading() as connection:
            account, said = prepared.get(self._store, connection, _ATTEST, ident, Attestation)
            history = read_history(self._store, connection)
            voucher, subject = history.at(said.key), history.at(said.request)
            if account != caller.account or voucher.account != caller.account:
                raise AccessDenied("this attestation was prepared for somebody else")
            self._may_vouch(connection, history, caller, subject.key.key_id, voucher.key.mode)
            kept = sealed_row(self._store, connection, voucher)[1] if voucher.key.mode is Mode.SEALED_KEY else None
        proof = self._bindings.proof_by(voucher, kept, act_message(said), act_challenge(said), shown, passkey, network)
        event = BindingEvent.BOUND if len(subject.vouchers) + 1 == VOUCHERS else BindingEvent.ATTESTED
        entry = KeyBindingEntry(
            binding=subject.key.key_id,
            event=event,
            account=subject.account,
            reason=reason,
            authority=caller.authority,
            attestation=said,
            proof=proof,
            network=None if network is None else network_of(network),
            terminal=None if caller.terminal is None else caller.terminal.terminal,
        )

        def check(transaction: Transaction) -> None:
            require_place(self._store, transaction, entry.network, entry.terminal)
            now = read_history(self._store, transaction.connection)
            self._may_vouch(transaction.connection, now, caller, subject.key.key_id, voucher.key.mode)
            self._bindings.alone(transaction, subject.key.key_id)
            require_tested_at(self._store, transaction, voucher)
            if now.at(said.request).vouchers != subject.vouchers:
                raise Conflict("somebody else vouched for this key at the same time", advice="Vouch once more.")
            prepared.use(transaction, ident)

        index = self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))[0].index
        self._told(subject.account, event.value, index)
        return index

    def _may_vouch(
        self, connection: Connection, history: KeyHistory, caller: Caller, key_id: str, mode: Mode | None
    ) -> tuple[Standing, list[Standing]]:
        """The key that waits, and the caller's own by which they can vouch, newest last."""
        if not caller.person:
            raise AccessDenied("only a person who signed in vouches for a key", advice="Sign in as yourself.")
        subject = history.by_id(key_id)
        if subject is None:
            raise NotFound(f"there is no signing key {key_id!r}")
        if subject.bound is not None or subject.revoked is not None:
            raise Conflict("this key waits for no voucher")
        if subject.account == caller.account:
            raise NotSignatory("nobody vouches for their own key", advice="Ask two other people.")
        if caller.account in subject.vouchers:
            raise NotSignatory("you have vouched for this key", advice="A second person has to do so, too.")
        if caller.account in who_reset(self._store, connection, subject.account):
            raise NotSignatory(
                f"you reset something of {subject.account!r}, or ended a key of theirs, so others vouch for this one",
                advice="Ask two people who did not.",
            )
        # Who signs elsewhere vouches here by a key of their own.
        own = [one for one in active(connection, history, caller.account, mode) if one.key.mode is not Mode.EXTERNAL]
        if not own:
            raise NotSignatory("you have no signing key that counts", advice="Make one, and have it vouched for.")
        return subject, own

    def _vouches(self, connection: Connection, history: KeyHistory, caller: Caller, subject: Standing) -> bool:
        try:
            self._may_vouch(connection, history, caller, subject.key.key_id, None)
        except (Conflict, NotSignatory):
            return False
        return True

    def _request(self, connection: Connection, subject: Standing) -> BindingStatement:
        body, _ = read_entry(self._store, connection, subject.requested, KeyBindingEntry)
        if body.statement is None:
            raise NotFound(f"key {subject.key.key_id} has no request")
        return body.statement


def _shown(history: KeyHistory, subject: Standing) -> KeyToVouch:
    key = subject.key
    return KeyToVouch(
        key_id=key.key_id,
        fingerprint=fingerprint_of(key.key_id),
        account=subject.account,
        name=subject.name,
        mode=key.mode,
        request=history.address(subject),
        vouchers=subject.vouchers,
        backup_eligible=key.backup_eligible,
        subject=key.subject,
        issuer=key.issuer,
    )


def _to_attest(ident: str, said: Attestation, asked: BindingStatement, voucher: Standing) -> ToAttest:
    return ToAttest(
        id=ident,
        statement=said,
        subject=asked,
        mode=voucher.key.mode,
        challenge=b64(act_challenge(said)),
        credential=voucher.key.credential,
        rp_id=voucher.key.rp_id,
    )
