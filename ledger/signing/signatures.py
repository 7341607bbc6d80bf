"""Signing: a statement is prepared and shown, then completed by what its signer shows; only then is it an entry.

Between the two the statement lies in the database for ten minutes at most. Completing it compares every member with the
log again, under the head lock: what is signed, the key, the role, the words, the time, and that its nonce is unused.
"""

import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.binding import KeyHistory, Standing, verify_proof
from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    LedgerError,
    NotAuthenticated,
    NotFound,
    NotSignatory,
    RecordChangedSinceReview,
    SchemaViolation,
)
from ledger.core.hashing import b64
from ledger.core.signature import (
    Continuity,
    KeyProof,
    Mode,
    PasskeyProof,
    SignatureEntry,
    Signer,
    Statement,
    Target,
    TargetSort,
    challenge_of,
    signed_message,
    statement_bytes,
)
from ledger.people import passkeys
from ledger.people.access import Caller
from ledger.people.person_kinds import QualificationEntry, QualificationSort
from ledger.people.profile import read_profile
from ledger.people.security import network_of
from ledger.present.messages import message
from ledger.signing import lists, prepared
from ledger.signing.bindings import Bindings
from ledger.signing.continuity import NEEDED, continuity_of
from ledger.signing.factors import SECOND, Factors, Shown, require_unlocked
from ledger.signing.history import active, covered, read_history, sealed_row
from ledger.signing.person_keys import PersonKeys
from ledger.signing.projector import counter_of
from ledger.signing.signatory import Signatory, read_signatory, require_accountable
from ledger.signing.tables import signature
from ledger.signing.targets import of_entries, seen_now, still_there
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG, choose
from ledger.store.reading import LogReader
from ledger.store.store import Store

_SORT: Final = "statement"
_NONCE: Final = 32


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to sign, and how: entries of a log by their indices, for an action of the lists.

    `role`: in which role, where the person holds several that may. `mode`: by which sort of key, the passkey where they
    have one. `request`, `on_behalf_of` and `delegation` are a workflow's.
    """

    log: str
    entries: tuple[int, ...]
    action: str
    meaning: str
    reason: str
    added: str | None = None
    language: str = lists.ENGLISH
    role: str | None = None
    mode: Mode | None = None
    name: str | None = None
    sort: TargetSort | None = None
    request: str | None = None
    on_behalf_of: str | None = None
    delegation: str | None = None


class ToSign(msgspec.Struct, frozen=True, kw_only=True):
    """What is put before the signer: the statement, its digest, the components that it takes.

    `challenge` (base64) and `credential` are for a signing passkey; `second` is what a browser needs to show a passkey
    of sign-in as the second factor. `vague`: the words that the signer added say too little.
    """

    id: str
    statement: Statement
    digest: str
    needed: tuple[str, ...]
    challenge: str
    credential: str | None = None
    rp_id: str | None = None
    second: dict[str, Any] | None = None
    vague: bool = False


class Completed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that stands in the system log."""

    index: int
    address: str
    entry: SignatureEntry


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that is made but not entered: its draft, and what has to hold under the head lock for it."""

    draft: Draft
    entry: SignatureEntry
    before: Callable[[Transaction], None]


class _Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    statement: Statement
    action: str
    session: str | None = None
    network: str | None = None


class Signatures:
    """Safe to use from any number of threads; completing one by a sealed key takes Argon2's time."""

    def __init__(
        self, store: Store, keys: PersonKeys, bindings: Bindings, factors: Factors, zone: str, web_origin: str | None
    ) -> None:
        self._store = store
        self._keys = keys
        self._bindings = bindings
        self._factors = factors
        self._zone = zone
        self._web_origin = web_origin

    def prepare(
        self, caller: Caller | None, asked: Asked, network: str | None = None, signer: str | None = None
    ) -> ToSign:
        """The statement as it would be signed. `signer`: another person at the caller's terminal, in a signing alone.

        Raises NotSignatory (no person, no check of identity, no accountability statement, no key that counts, no role
        for that meaning, nothing to see there), SchemaViolation for words that the lists don't have, NotFound,
        Conflict while no checkpoint covers what is to be signed.
        """
        account = signer or (caller.account if caller is not None and caller.person else None)
        if account is None:
            raise AccessDenied("only a person signs", advice="Sign in as yourself.")
        with self._store.reading() as connection:
            person = read_signatory(self._store, connection, account)
            require_accountable(self._store, connection, account, asked.action)
            log = choose(self._store.logs(), asked.log)
            history = read_history(self._store, connection)
            standing = self._key(connection, history, account, asked.mode)
            target = self._target(connection, log, asked)
            chosen = lists.read_list(self._store, connection, asked.action)
            meaning = lists.meaning_of(chosen, asked.meaning)
            reason = lists.reason_of(chosen, asked.reason, asked.added)
            role = self._role(person, log, asked, tuple(one.value for one in meaning.roles))
            continuity = continuity_of(self._store, connection, caller, account, network)
            mode = standing.key.mode
            said = Statement(
                origin=history.origin,
                target=target,
                seen=seen_now(connection, log, target),
                meaning=lists.words(chosen, meaning.code, meaning.texts, asked.language),
                reason=lists.words(chosen, reason.code, reason.texts, asked.language, asked.added),
                signer=Signer(account=account, name=person.name, role=role),
                signed_at=utc_text(self._store.clock.now_us()),
                zone=self._zone,
                nonce=b64(secrets.token_bytes(_NONCE)),
                mode=mode,
                continuity=continuity,
                components=NEEDED[mode, continuity],
                class_text=message(f"signing.class.{mode.value}"),
                binding=history.address(standing),
                request=asked.request,
                on_behalf_of=asked.on_behalf_of,
                delegation=asked.delegation,
            )
        here = None if network is None else network_of(network)
        session = caller.session if caller is not None and continuity is not Continuity.SINGLE else None
        keep = _Kept(statement=said, action=asked.action, session=session, network=here)
        ident = prepared.put(self._store, _SORT, account, keep)
        return self._shown(ident, said, standing)

    def waiting(self, ident: str) -> ToSign:
        """What was prepared under this id; raises NotFound where it is over, or signed."""
        with self._store.reading() as connection:
            _, kept = prepared.get(self._store, connection, _SORT, ident, _Kept)
            standing = read_history(self._store, connection).at(kept.statement.binding or "")
        return self._shown(ident, kept.statement, standing)

    def make(
        self,
        ident: str,
        digest: str,
        shown: Shown,
        passkey: PasskeyProof | None = None,
        caller: Caller | None = None,
        network: str | None = None,
    ) -> Made:
        """The signature, by what its signer showed; not entered yet. `digest`: of the statement that they saw.

        Raises RecordChangedSinceReview where it is another statement, ReauthenticationRequired for a component that is
        missing, NotAuthenticated for a wrong one (counted), AccessDenied for somebody else's session.
        """
        with self._store.reading() as connection:
            account, kept = prepared.get(self._store, connection, _SORT, ident, _Kept)
            said = kept.statement
            if digest != _digest(said) or said.signer.account != account:
                raise RecordChangedSinceReview("what would be signed is not what was shown")
            if said.continuity is not Continuity.SINGLE:
                self._require_session(connection, said, kept, caller, network)
            history = read_history(self._store, connection)
            standing = history.at(said.binding or "")
            sealed = sealed_row(self._store, connection, standing)[1] if said.mode is Mode.SEALED_KEY else None
        proofs: list[KeyProof | PasskeyProof] = []
        anew: list[object] = []

        def own() -> None:
            if said.mode is Mode.SEALED_KEY:
                secret = shown.secret or ""
                signed = self._keys.sign(account, standing.key, sealed, secret, signed_message(said))
                proofs.append(KeyProof(key_id=standing.key.key_id, signature=b64(signed.signature)))
                anew.append(signed.kept)
                return
            try:
                verify_proof(standing.key, passkey, signed_message(said), challenge_of(said))
            except LedgerError as error:
                raise NotAuthenticated(error.message) from None
            assert passkey is not None
            proofs.append(passkey)

        accepted = self._factors.check(account, said.components, shown, network, own, ident)
        here = None if network is None else network_of(network)
        with self._store.reading() as connection:
            person = read_signatory(self._store, connection, account)
            if said.continuity is Continuity.SINGLE or caller is None:
                authority = person.authority(connection, accepted.indices)
            else:
                authority = caller.authority
        entry = SignatureEntry(statement=said, proof=proofs[0], authority=authority, session=kept.session, network=here)
        if anew and anew[0] is not None:
            self._bindings.reseal(standing, anew[0], authority)

        def before(transaction: Transaction) -> None:
            self._require_as_shown(transaction, entry, kept, caller, network)
            accepted.use(transaction)
            prepared.use(transaction, ident)
            transaction.scratch["nonce", said.nonce] = True
            transaction.scratch["signed", account, said.target.root, said.meaning.code, said.request] = True

        return Made(draft=draft(entry), entry=entry, before=before)

    def complete(
        self,
        ident: str,
        digest: str,
        shown: Shown,
        passkey: PasskeyProof | None = None,
        caller: Caller | None = None,
        network: str | None = None,
    ) -> Completed:
        """Makes the signature and enters it, durable once this returns. Raises as `make`.

        Raises NotSignatory, RecordChangedSinceReview and Conflict where something changed since it was prepared, or it
        was signed already.
        """
        made = self.make(ident, digest, shown, passkey, caller, network)
        said = made.entry.statement

        def closing(_transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            if said.meaning.code != lists.ACCOUNTABILITY:
                return ()
            return [draft(_accountable(made.entry, str(Address(said.origin, placed[0].index))))]

        placed = self._store.append(SYSTEM_LOG, Batch([made.draft], closing=closing, before=made.before))
        index = placed[0].index
        return Completed(index=index, address=str(Address(said.origin, index)), entry=made.entry)

    def _shown(self, ident: str, said: Statement, standing: Standing) -> ToSign:
        known = self._factors.passkeys(said.signer.account) if SECOND in said.components else []
        options = None
        if known and self._web_origin is not None:
            options = passkeys.showing_options(passkeys.site_of(self._web_origin), ident, known)
        return ToSign(
            id=ident,
            statement=said,
            digest=_digest(said),
            needed=said.components,
            challenge=b64(challenge_of(said)),
            credential=standing.key.credential,
            rp_id=standing.key.rp_id,
            second=options,
            vague=said.reason.added is not None and lists.vague(said.reason.added),
        )

    def _target(self, connection: Connection, log: LogId, asked: Asked) -> Target:
        sort = asked.sort or (TargetSort.DOCUMENT if log.number == SYSTEM_LOG else TargetSort.ENTRIES)
        return of_entries(connection, log, asked.entries, sort=sort, name=asked.name)

    def _key(self, connection: Connection, history: KeyHistory, account: str, mode: Mode | None) -> Standing:
        allowed = read_profile(connection).signing_modes
        found = [one for one in active(connection, history, account, mode) if one.key.mode.value in allowed]
        if not found:
            raise NotSignatory(
                f"{account!r} has no signing key that counts yet",
                advice="Make one; two people vouch for it; it counts once a checkpoint covers that.",
            )
        return max(found, key=lambda one: (one.key.mode is Mode.PASSKEY, one.requested))

    def _role(self, person: Signatory, log: LogId, asked: Asked, roles: tuple[str, ...]) -> str:
        site = None if log.number == SYSTEM_LOG else log.name
        if asked.action != lists.ACCOUNTABILITY and not person.sees(site):
            raise NotSignatory(f"{person.account!r} may not see what is to be signed")
        fit = [role for role in person.roles(site) if not roles or role in roles]
        if asked.role is not None:
            fit = [role for role in fit if role == asked.role]
        if not fit:
            raise NotSignatory(
                f"{person.account!r} holds no role there that may sign {asked.meaning!r}"
                + (f" as {asked.role!r}" if asked.role else ""),
                advice=f"It takes {' or '.join(roles) or 'a role'}.",
            )
        if len(fit) > 1:
            raise SchemaViolation(f"you hold several roles that may sign this: {', '.join(fit)}", advice="Name one.")
        return fit[0]

    def _require_session(
        self, connection: Connection, said: Statement, kept: _Kept, caller: Caller | None, network: str | None
    ) -> None:
        if caller is None or caller.account != said.signer.account or caller.session != kept.session:
            raise AccessDenied("this was prepared in another session", advice="Prepare it anew in this one.")
        if continuity_of(self._store, connection, caller, caller.account, network) not in _NO_EASIER[said.continuity]:
            raise NotAuthenticated(
                "the session was broken since this was prepared", advice="Prepare it anew, and show all components."
            )

    def _require_as_shown(
        self, transaction: Transaction, entry: SignatureEntry, kept: _Kept, caller: Caller | None, network: str | None
    ) -> None:
        """Everything that the statement says, held against the log as it is under the head lock."""
        connection, said = transaction.connection, entry.statement
        account = said.signer.account
        require_unlocked(transaction, account)
        self._require_time(said, transaction.logged_us)
        as_due = (NEEDED[said.mode, said.continuity], self._zone, message(f"signing.class.{said.mode.value}"))
        if (said.components, said.zone, said.class_text) != as_due:
            raise RecordChangedSinceReview("what was prepared is not what this service prepares")
        person = read_signatory(self._store, connection, account)
        if person.name != said.signer.name or transaction.scratch.get(("deactivated", account)):
            raise RecordChangedSinceReview("your account was changed since this was shown")
        require_accountable(self._store, connection, account, kept.action)
        history = read_history(self._store, connection)
        standing = history.at(said.binding or "")
        if standing.revoked is not None or not covered(connection, standing):
            raise NotSignatory("the signing key was revoked meanwhile")
        log = next((one for one in self._store.logs() if one.origin == said.target.origin), None)
        if log is None or not still_there(connection, log, said.target):
            raise RecordChangedSinceReview("what would be signed is not what stands in the log")
        if b64(LogReader(connection, log.number).root(said.seen.size)) != said.seen.root:
            raise RecordChangedSinceReview("the checkpoint that was shown is not this log's")
        chosen = lists.read_list(self._store, connection, kept.action)
        meaning = lists.meaning_of(chosen, said.meaning.code)
        if not lists.says(chosen, said.meaning) or not lists.says(chosen, said.reason):
            raise RecordChangedSinceReview("the list of meanings and reasons was changed since this was shown")
        asked = Asked(
            log=log.name,
            entries=(),
            action=kept.action,
            meaning=meaning.code,
            reason=said.reason.code,
            role=said.signer.role,
        )
        self._role(person, log, asked, tuple(one.value for one in meaning.roles))
        if said.continuity is not Continuity.SINGLE:
            self._require_session(connection, said, kept, caller, network)
        self._require_fresh(transaction, entry)

    def _require_fresh(self, transaction: Transaction, entry: SignatureEntry) -> None:
        """A nonce signs once; a passkey's counter goes on; nobody signs the same twice with the same meaning."""
        said, row, connection = entry.statement, signature.c, transaction.connection
        account = said.signer.account
        used = select(row.pos).where(row.nonce == said.nonce)
        if transaction.scratch.get(("nonce", said.nonce)) or connection.scalar(used) is not None:
            raise Conflict("this was signed already")
        same = select(row.pos).where(
            row.root == said.target.root, row.account == account, row.meaning == said.meaning.code
        )
        again = ("signed", account, said.target.root, said.meaning.code, said.request)
        if transaction.scratch.get(again) or (said.request is None and connection.scalar(same.limit(1)) is not None):
            raise Conflict("you have signed exactly this, with this meaning", advice="One signature is enough.")
        last = connection.scalar(
            select(row.counter).where(row.binding == said.binding).order_by(row.pos.desc()).limit(1)
        )
        counter = counter_of(entry)
        if said.mode is Mode.PASSKEY and last and counter <= last:
            raise NotAuthenticated("the passkey's counter did not go on: it may have been copied")

    def _require_time(self, said: Statement, logged_us: int) -> None:
        signed_us = parse_utc(said.signed_at)
        if not signed_us <= logged_us <= signed_us + prepared.LASTING_US:
            raise NotFound("nothing of that id is waiting to be signed", advice="It is over: begin again.")


_NO_EASIER: Final = {
    Continuity.FIRST: (Continuity.FIRST, Continuity.LATER),
    Continuity.LATER: (Continuity.LATER,),
}
"""Where a signing may stand by now, so that what was asked for is enough."""


def _digest(said: Statement) -> str:
    return b64(sha256(statement_bytes(said)).digest())


def _accountable(entry: SignatureEntry, address: str) -> QualificationEntry:
    said = entry.statement
    return QualificationEntry(
        qualification=f"{QualificationSort.ACCOUNTABILITY.value}-{secrets.token_hex(8)}",
        account=said.signer.account,
        sort=QualificationSort.ACCOUNTABILITY,
        holds=True,
        how="signed",
        on=said.signed_at[:10],
        reason="accountability statement",
        authority=entry.authority,
        text=said.meaning.version,
        signature=address,
    )
