"""Bindings of signing keys: made by their person, vouched for by two others, counting once a checkpoint covers that.

Whoever reset something of a person's vouches for no key of theirs; nor does the person. A lost key is revoked in one
step, at once, and a new one begins with a new check of identity (21 CFR 11.100(b), 11.300(c)).
"""

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, select

from ledger.core.address import Address
from ledger.core.authority import Authority
from ledger.core.binding import (
    BindingEvent,
    BindingStatement,
    BoundKey,
    KeyBindingEntry,
    Registration,
    act_challenge,
    act_message,
    verify_proof,
)
from ledger.core.clock import utc_text
from ledger.core.entry import Draft, VaultItem, draft
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    LedgerError,
    NotAuthenticated,
    NotFound,
    NotSignatory,
    SchemaViolation,
)
from ledger.core.hashing import b64
from ledger.core.key_history import KeyHistory, Standing
from ledger.core.signature import ExternalProof, KeyProof, Mode, PasskeyProof, lasting_us
from ledger.people.access import Caller, Scope
from ledger.people.credentials import read_account
from ledger.people.names import printed_name
from ledger.people.passwords import require_strong
from ledger.people.profile import read_profile
from ledger.people.qualifications import today
from ledger.people.secrets import Destroyed, keep
from ledger.people.sessions import checked, superseding
from ledger.signing import prepared
from ledger.signing.exclusions import identity_entry
from ledger.signing.factors import SIGNING_PASSKEY, SIGNING_SECRET, Factors, Shown
from ledger.signing.history import active, read_history, sealed_row
from ledger.signing.key_tests import key_due, require_tested
from ledger.signing.key_views import KnownKey, Pending, ToProve
from ledger.signing.person_keys import LEAST_SECRET, SECRET, PersonKeys
from ledger.signing.tables import key_binding
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

_REQUEST: Final = "request"

Told = Callable[[str, str, int], None]
"""Told account, what happened to a key of theirs, and its entry; tells the person by a second channel."""


class Bindings:
    """Safe to use from any number of threads; what makes or uses a sealed key takes Argon2's time."""

    def __init__(self, store: Store, keys: PersonKeys, factors: Factors, told: Told | None = None) -> None:
        self._store = store
        self._keys = keys
        self._factors = factors
        self._told = told or (lambda account, what, index: None)

    def request(self, caller: Caller, secret: str, reason: str) -> int:
        """A new signing key of the caller's, sealed by a secret that only they know; returns the entry's index.

        Raises AccessDenied for who is no person, NotSignatory without a check of identity, Conflict where they have a
        sealed key, SchemaViolation for a secret that is weak or their login password.
        """
        account = caller.account
        with self._store.reading() as connection:
            name, identity = self._may_have(connection, caller)
            if any(one.key.mode is Mode.SEALED_KEY for one in self._living(connection, account)):
                raise Conflict("you have a signing key", advice="Revoke it first, if its secret is forgotten or known.")
        require_strong(secret, LEAST_SECRET, (account, name), "the signing secret")
        if self._factors.is_login_password(account, secret):
            raise SchemaViolation("the signing secret is your login password", advice="Choose another.")
        said: list[BindingStatement] = []

        def message(key: BoundKey) -> bytes:
            said.append(self._statement(account, name, key, identity))
            return act_message(said[0])

        made = self._keys.make(account, secret, message)
        ref, item = keep(SECRET, made.kept)
        entry = KeyBindingEntry(
            binding=made.key.key_id,
            event=BindingEvent.REQUESTED,
            account=account,
            reason=reason,
            authority=caller.authority,
            statement=said[0],
            proof=KeyProof(key_id=made.key.key_id, signature=b64(made.signature)),
            secrets=(ref,),
        )
        return self._requested(entry, (item,))

    def propose(self, caller: Caller, key: BoundKey, registration: Registration | None, reason: str) -> ToProve:
        """A passkey registered for signing, or a certificate, which has yet to prove itself; raises as `request`."""
        with self._store.reading() as connection:
            name, identity = self._may_have(connection, caller)
            if read_profile(connection).device_bound_passkeys and key.backup_eligible:
                raise SchemaViolation(
                    "this passkey can be copied to other devices, and the site takes device-bound ones alone",
                    advice="Use a security key, or have the site's profile changed.",
                )
        said = self._statement(caller.account, name, key, identity)
        pending = Pending(statement=said, registration=registration, reason=reason)
        ident = prepared.put(self._store, _REQUEST, caller.account, pending, lasting=lasting_us(key.mode))
        return ToProve(id=ident, statement=said, challenge=b64(act_challenge(said)))

    def pending(self, ident: str) -> tuple[str, Pending]:
        """For whom a request waits to be signed by its key, and what; raises NotFound."""
        with self._store.reading() as connection:
            return prepared.get(self._store, connection, _REQUEST, ident, Pending)

    def proposed(self, ident: str) -> ToProve:
        """The request for a passkey that waits under this id for its key; raises NotFound."""
        with self._store.reading() as connection:
            _, pending = prepared.get(self._store, connection, _REQUEST, ident, Pending)
        said = pending.statement
        return ToProve(id=ident, statement=said, challenge=b64(act_challenge(said)))

    def prove(
        self,
        caller: Caller,
        ident: str,
        proof: PasskeyProof | ExternalProof,
        before: Callable[[Transaction], None] | None = None,
    ) -> int:
        """The key's own signature of its request; returns the entry's index. Raises SignatureInvalid, NotFound.

        `before`: what a signature made elsewhere is held against (`signing.external`), under the head lock.
        """
        account, pending = self.pending(ident)
        said = pending.statement
        if account != caller.account or said.account != caller.account:
            raise AccessDenied("this key was registered for somebody else")
        if before is None:
            verify_proof(said.key, proof, act_message(said), act_challenge(said))
        entry = KeyBindingEntry(
            binding=said.key.key_id,
            event=BindingEvent.REQUESTED,
            account=account,
            reason=pending.reason,
            authority=caller.authority,
            statement=said,
            proof=proof,
            registration=pending.registration,
        )
        return self._requested(entry, (), ident, before)

    def proof_by(
        self,
        standing: Standing,
        kept: object,
        message: bytes,
        challenge: bytes,
        shown: Shown | None,
        passkey: PasskeyProof | None,
        network: str | None,
    ) -> KeyProof | PasskeyProof:
        """The proof by a person's key over an act, once they have shown its secret; counted at the door if wrong."""
        made: list[KeyProof | PasskeyProof] = []

        def own() -> None:
            if standing.key.mode is Mode.PASSKEY:
                try:
                    verify_proof(standing.key, passkey, message, challenge)
                except LedgerError as error:
                    raise NotAuthenticated(error.message) from None
                assert passkey is not None
                made.append(passkey)
                return
            secret = (shown or Shown()).secret or ""
            signed = self._keys.sign(standing.account, standing.key, kept, secret, message)
            made.append(KeyProof(key_id=standing.key.key_id, signature=b64(signed.signature)))

        with self._store.reading() as connection:
            require_tested(self._store, connection, standing)
        needed = (SIGNING_SECRET,) if standing.key.mode is Mode.SEALED_KEY else (SIGNING_PASSKEY,)
        self._factors.check(standing.account, needed, shown or Shown(), network, own)
        return made[0]

    def revoke(
        self,
        key_id: str,
        reason: str,
        authority: Authority,
        caller: Caller | None = None,
        before: Callable[[Transaction], None] | None = None,
    ) -> int:
        """From here on the key signs nothing more; what it signed stays valid. Returns the entry's index.

        By its person, or whoever administers accounts; `before`: what else allows it, under the head lock
        (`signing.vouching`). Raises NotFound, AccessDenied.
        """
        with self._store.reading() as connection:
            history = read_history(self._store, connection)
            standing = history.by_id(key_id)
            gone = NotFound(f"there is no signing key {key_id!r} in use")
            if standing is None or standing.revoked is not None:
                raise gone
            if caller is not None and caller.account != standing.account and not caller.allows(Scope.ADMIN):
                raise AccessDenied("a key is revoked by its person, or by whoever administers the accounts")
            sealed = standing.key.mode is Mode.SEALED_KEY
            secret = [(sealed_row(self._store, connection, standing)[0], SECRET)] if sealed else []
        entry = KeyBindingEntry(
            binding=key_id,
            event=BindingEvent.REVOKED,
            account=standing.account,
            reason=reason,
            authority=authority,
            destroys=tuple(Destroyed(index=index, name=name) for index, name in secret),
        )
        batch = superseding([draft(entry)], secret, gone)
        if before is not None:
            batch = checked(batch, before)

        def check(transaction: Transaction) -> None:
            self.alone(transaction, key_id)
            now = read_history(self._store, transaction.connection).by_id(key_id)
            if now is None or now.revoked is not None:
                raise gone

        index = self._store.append(SYSTEM_LOG, checked(batch, check))[0].index
        self._told(standing.account, BindingEvent.REVOKED.value, index)
        return index

    def reseal(self, standing: Standing, kept: object, authority: Authority) -> None:
        """Keeps a key that was sealed anew, and destroys it as it was; does nothing where somebody did so just now."""
        with self._store.reading() as connection:
            index, _ = sealed_row(self._store, connection, standing)
        ref, item = keep(SECRET, kept)
        entry = KeyBindingEntry(
            binding=standing.key.key_id,
            event=BindingEvent.RESEALED,
            account=standing.account,
            reason="dearer parameters",
            authority=authority,
            secrets=(ref,),
            destroys=(Destroyed(index=index, name=SECRET),),
        )
        done = Conflict("the key was sealed anew meanwhile")
        try:
            self._store.append(SYSTEM_LOG, superseding([draft(entry, (item,))], [(index, SECRET)], done))
        except Conflict:
            return

    def all(self, account: str | None = None) -> list[KnownKey]:
        """Every key there is or was, of one person or of all."""
        with self._store.reading() as connection:
            history = read_history(self._store, connection)
            rows = connection.scalars(select(key_binding.c.account).where(key_binding.c.log == SYSTEM_LOG).distinct())
            accounts = [account] if account is not None else sorted(set(rows))
            return [self._known(connection, history, key) for one in accounts for key in history.of(one)]

    def one(self, key_id: str) -> KnownKey:
        """One key; raises NotFound."""
        with self._store.reading() as connection:
            history = read_history(self._store, connection)
            standing = history.by_id(key_id)
            if standing is None:
                raise NotFound(f"there is no signing key {key_id!r}")
            return self._known(connection, history, standing)

    def _known(self, connection: Connection, history: KeyHistory, key: Standing) -> KnownKey:
        if key.revoked is not None:
            state = BindingEvent.REVOKED.value
        elif key.bound is not None:
            state = BindingEvent.BOUND.value
        else:
            state = (BindingEvent.ATTESTED if key.vouchers else BindingEvent.REQUESTED).value
        due = key_due(self._store, connection, key)
        return KnownKey(
            key_id=key.key.key_id,
            account=key.account,
            mode=key.key.mode,
            state=state,
            request=history.address(key),
            vouchers=key.vouchers,
            signs=key in active(connection, history, key.account),
            backup_eligible=key.key.backup_eligible,
            test_due=None if due is None else str(due),
            test_overdue=due is not None and due < today(self._store),
        )

    def _living(self, connection: Connection, account: str) -> list[Standing]:
        return [one for one in read_history(self._store, connection).of(account) if one.revoked is None]

    def _may_have(self, connection: Connection, caller: Caller) -> tuple[str, str]:
        """Printed name, and the address of the check of identity that a new key rests on."""
        if not caller.person:
            raise AccessDenied("only a person who signed in has a signing key", advice="Sign in as yourself.")
        if read_account(self._store, connection, caller.account) is None:
            raise NotFound(f"there is no account {caller.account!r}")
        origin = read_history(self._store, connection).origin
        after = max((one.revoked for one in self._history_of(connection, caller.account) if one.revoked), default=-1)
        index = identity_entry(self._store, connection, caller.account, after)
        if index is None:
            again = ", after the last key ended" if after >= 0 else ""
            raise NotSignatory(
                f"nobody has recorded how the identity of {caller.account!r} was verified{again}",
                advice="Have another person check who you are and record it; then make the key.",
            )
        return printed_name(self._store, connection, caller.account) or caller.account, str(Address(origin, index))

    def _history_of(self, connection: Connection, account: str) -> Sequence[Standing]:
        return list(read_history(self._store, connection).of(account))

    def _statement(self, account: str, name: str, key: BoundKey, identity: str) -> BindingStatement:
        return BindingStatement(
            origin=identity.rpartition("#")[0],
            account=account,
            name=name,
            key=key,
            identity=identity,
            at=utc_text(self._store.clock.now_us()),
        )

    def _requested(
        self,
        entry: KeyBindingEntry,
        items: tuple[VaultItem, ...],
        ident: str | None = None,
        before: Callable[[Transaction], None] | None = None,
    ) -> int:
        def check(transaction: Transaction) -> None:
            self.alone(transaction, entry.account)
            self.alone(transaction, entry.binding)
            if before is not None:
                before(transaction)
            living = self._living(transaction.connection, entry.account)
            if entry.secrets and any(one.key.mode is Mode.SEALED_KEY for one in living):
                raise Conflict("you have a signing key")
            if ident is not None:
                prepared.use(transaction, ident)

        made: Draft = draft(entry, items)
        index = self._store.append(SYSTEM_LOG, Batch([made], before=check))[0].index
        self._told(entry.account, BindingEvent.REQUESTED.value, index)
        return index

    def alone(self, transaction: Transaction, what: str) -> None:
        """Refuses a second change of the same thing in one group commit: the table does not show the first yet."""
        key = ("binding", what)
        if transaction.scratch.get(key):
            raise Conflict("something else happened to this key at the same moment", advice="Look, and try again.")
        transaction.scratch[key] = True


def owner_of_key(connection: Connection, key: str) -> str | None:
    """The account that a person's signing key is, or was, bound to; None where there is no such key."""
    row = key_binding.c
    bound = select(row.account).where(row.log == SYSTEM_LOG, row.key == key)
    return connection.scalar(bound.order_by(row.from_index.desc()).limit(1))
