"""Signing: a statement is prepared and shown, then completed by what its signer shows; only then is it an entry.

Between the two the statement lies in the database for ten minutes at most. Completing it compares every member with the
log again, under the head lock: what is signed, the key, the role, the words, the time, and that its nonce is unused.
"""

import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection

from ledger.core.address import Address, LogId, parse_address
from ledger.core.binding import verify_proof
from ledger.core.clock import utc_text
from ledger.core.entry import Draft, draft
from ledger.core.errors import (
    AccessDenied,
    Conflict,
    LedgerError,
    NotAuthenticated,
    NotFound,
    NotSignatory,
    RecordChangedSinceReview,
    SignatureInvalid,
)
from ledger.core.hashing import b64
from ledger.core.key_history import Standing
from ledger.core.signature import (
    Continuity,
    ExternalProof,
    KeyProof,
    Mode,
    PasskeyProof,
    ProviderProof,
    SignatureEntry,
    Signer,
    Statement,
    Target,
    TargetSort,
    challenge_of,
    lasting_us,
    signed_message,
    statement_bytes,
)
from ledger.core.vague import vague
from ledger.people import passkeys
from ledger.people.access import Caller
from ledger.people.attempts import signed
from ledger.people.person_kinds import QualificationEntry, QualificationSort
from ledger.people.security import network_of
from ledger.present.messages import message
from ledger.signing import lists, prepared
from ledger.signing.bindings import Bindings
from ledger.signing.continuity import NEEDED, continuity_of
from ledger.signing.factors import SECOND, Factors, Shown
from ledger.signing.history import read_history, sealed_row
from ledger.signing.judging import OWN_KEY, Judge, Kept, role_of
from ledger.signing.modes import chosen_key
from ledger.signing.person_keys import PersonKeys
from ledger.signing.provider_check import provider_verifier
from ledger.signing.signatory import read_signatory, require_accountable
from ledger.signing.targets import of_entries, of_set, seen_now
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.logs import SYSTEM_LOG, choose
from ledger.store.store import Store

_SORT: Final = "statement"
_NONCE: Final = 32


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to sign, and how: entries of a log by their indices, for an action of the lists.

    `role`: in which role, where the person holds several that may. `mode`: by which sort of key, the passkey where they
    have one. `runs`, in place of `entries`, tells those of a large set; that, `request`, `on_behalf_of` and
    `delegation` are a workflow's, in which the signer opened each; `task` its request's name and the step.
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
    runs: str | None = None
    request: str | None = None
    on_behalf_of: str | None = None
    delegation: str | None = None
    task: tuple[str, str] | None = None


class ToSign(msgspec.Struct, frozen=True, kw_only=True):
    """What is put before the signer: the statement, its digest, the components that it takes.

    `challenge` (base64) and `credential` are for a signing passkey; `second` is what a browser needs to show a passkey
    of sign-in as the second factor. `vague`: the words that the signer added say too little. `task`: the request and
    the step that it answers.
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
    task: tuple[str, str] | None = None


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


class Provided(Protocol):
    """Signing at the site's identity provider (`signing.provider`)."""

    def prepare(self, account: str) -> str:
        """What the statement's `binding` is to name: the person's link."""
        ...


class Signatures:
    """Safe to use from any number of threads; completing one by a sealed key takes Argon2's time."""

    def __init__(
        self,
        store: Store,
        keys: PersonKeys,
        bindings: Bindings,
        factors: Factors,
        zone: str,
        web_origin: str | None,
        provider: Provided | None = None,
    ) -> None:
        self._store = store
        self._keys = keys
        self._bindings = bindings
        self._factors = factors
        self._zone = zone
        self._provider = provider
        self._judge = Judge(store, zone)
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
        link = self._provided().prepare(account) if asked.mode is Mode.PROVIDER else None
        with self._store.reading() as connection:
            person = read_signatory(self._store, connection, account)
            require_accountable(self._store, connection, account, asked.action)
            log = choose(self._store.logs(), asked.log)
            history = read_history(self._store, connection)
            standing = None if link is not None else chosen_key(self._store, connection, history, account, asked.mode)
            target = self._target(connection, log, asked)
            chosen = lists.read_list(self._store, connection, asked.action)
            meaning = lists.meaning_of(chosen, asked.meaning)
            reason = lists.reason_of(chosen, asked.reason, asked.added)
            role = role_of(person, log, asked.action, meaning, asked.role)
            continuity = continuity_of(self._store, connection, caller, account, network)
            mode = Mode.PROVIDER if standing is None else standing.key.mode
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
                binding=link if standing is None else history.address(standing),
                request=asked.request,
                on_behalf_of=asked.on_behalf_of,
                delegation=asked.delegation,
            )
        here = None if network is None else network_of(network)
        session = caller.session if caller is not None and continuity is not Continuity.SINGLE else None
        keep = Kept(statement=said, action=asked.action, session=session, network=here, task=asked.task)
        ident = prepared.put(self._store, _SORT, account, keep, lasting=lasting_us(mode))
        return self._shown(ident, keep, standing)

    def waiting(self, ident: str) -> ToSign:
        """What was prepared under this id; raises NotFound where it is over, or signed."""
        with self._store.reading() as connection:
            _, kept = prepared.get(self._store, connection, _SORT, ident, Kept)
            own = kept.statement.mode in OWN_KEY
            standing = read_history(self._store, connection).at(kept.statement.binding or "") if own else None
        return self._shown(ident, kept, standing)

    def exported(self, ident: str) -> bytes:
        """The exact bytes that are to be signed elsewhere; raises NotFound where nothing of that id waits for that."""
        with self._store.reading() as connection:
            _, kept = prepared.get(self._store, connection, _SORT, ident, Kept)
        if kept.statement.mode is not Mode.EXTERNAL:
            raise NotFound("nothing of that id is to be signed elsewhere", advice="Prepare it for mode `external`.")
        return signed_message(kept.statement)

    def make(
        self,
        ident: str,
        digest: str,
        shown: Shown,
        proof: PasskeyProof | ProviderProof | ExternalProof | None = None,
        caller: Caller | None = None,
        network: str | None = None,
    ) -> Made:
        """The signature, by what its signer showed; not entered yet. `digest`: of the statement that they saw.

        Raises RecordChangedSinceReview where it is another statement, ReauthenticationRequired for a component that is
        missing, NotAuthenticated for a wrong one (counted), AccessDenied for somebody else's session.
        """
        with self._store.reading() as connection:
            account, kept = prepared.get(self._store, connection, _SORT, ident, Kept)
            said = kept.statement
            if digest != _digest(said) or said.signer.account != account:
                raise RecordChangedSinceReview("what would be signed is not what was shown")
            if said.continuity is not Continuity.SINGLE:
                self._judge.session(connection, said, kept, caller, network)
            history = read_history(self._store, connection)
            standing = history.at(said.binding or "") if said.mode in OWN_KEY else None
            if said.mode is Mode.EXTERNAL:
                proof = self._judge.brought(connection, history, said, proof)
            sealed = None
            if standing is not None and said.mode is Mode.SEALED_KEY:
                sealed = sealed_row(self._store, connection, standing)[1]
        proofs: list[KeyProof | PasskeyProof | ProviderProof | ExternalProof] = []
        anew: list[object] = []

        def own() -> None:
            if standing is None:
                if not isinstance(proof, ProviderProof):
                    raise NotAuthenticated("the identity provider's token was not shown")
                proofs.append(proof)
                return
            if said.mode is Mode.SEALED_KEY:
                secret = shown.secret or ""
                made = self._keys.sign(account, standing.key, sealed, secret, signed_message(said))
                proofs.append(KeyProof(key_id=standing.key.key_id, signature=b64(made.signature)))
                anew.append(made.kept)
                return
            if isinstance(proof, ExternalProof):
                proofs.append(proof)
                return
            try:
                verify_proof(standing.key, proof, signed_message(said), challenge_of(said))
            except LedgerError as error:
                raise NotAuthenticated(error.message) from None
            assert isinstance(proof, PasskeyProof)
            proofs.append(proof)

        accepted = self._factors.check(account, said.components, shown, network, own, ident)
        here = None if network is None else network_of(network)
        with self._store.reading() as connection:
            person = read_signatory(self._store, connection, account)
            if said.continuity is Continuity.SINGLE or caller is None:
                linked = () if standing is not None else (parse_address(said.binding or "").index,)
                authority = person.authority(connection, (*accepted.indices, *linked))
            else:
                authority = caller.authority
        entry = SignatureEntry(
            statement=said,
            proof=proofs[0],
            authority=authority,
            session=kept.session,
            network=here,
            terminal=None if caller is None or caller.terminal is None else caller.terminal.terminal,
        )
        if standing is None:
            self._require_provided(entry, network)
        elif anew and anew[0] is not None:
            self._bindings.reseal(standing, anew[0], authority)

        def before(transaction: Transaction) -> None:
            self._judge.as_shown(transaction, entry, kept, caller, network)
            signed(transaction, account)
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
        proof: PasskeyProof | ProviderProof | ExternalProof | None = None,
        caller: Caller | None = None,
        network: str | None = None,
    ) -> Completed:
        """Makes the signature and enters it, durable once this returns. Raises as `make`.

        Raises NotSignatory, RecordChangedSinceReview and Conflict where something changed since it was prepared, it was
        signed already, or it answers a step, whose decision is entered with it (`Answering.complete`).
        """
        if self.waiting(ident).statement.request is not None:
            raise Conflict(
                "this statement answers a step of a signing request, and is signed with its decision",
                advice="Sign it at the request's step.",
            )
        made = self.make(ident, digest, shown, proof, caller, network)
        said = made.entry.statement

        def closing(_transaction: Transaction, placed: Sequence[Placed]) -> Sequence[Draft]:
            if said.meaning.code != lists.ACCOUNTABILITY:
                return ()
            return [draft(_accountable(made.entry, str(Address(said.origin, placed[0].index))))]

        placed = self._store.append(SYSTEM_LOG, Batch([made.draft], closing=closing, before=made.before))
        index = placed[0].index
        return Completed(index=index, address=str(Address(said.origin, index)), entry=made.entry)

    def _provided(self) -> Provided:
        if self._provider is None:
            raise NotSignatory("this service signs at no identity provider", advice="Sign by your own key.")
        return self._provider

    def _require_provided(self, entry: SignatureEntry, network: str | None) -> None:
        """Counts, and refuses, a token that does not prove this very signature."""
        try:
            with self._store.reading() as connection:
                provider_verifier(self._store.kinds)(connection, entry, self._store.clock.now_us())
        except SignatureInvalid:
            self._factors.refuse(entry.statement.signer.account, Mode.PROVIDER.value, network)

    def _shown(self, ident: str, kept: Kept, standing: Standing | None) -> ToSign:
        said = kept.statement
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
            credential=None if standing is None else standing.key.credential,
            rp_id=None if standing is None else standing.key.rp_id,
            second=options,
            vague=said.reason.added is not None and vague(said.reason.added),
            task=kept.task,
        )

    def _target(self, connection: Connection, log: LogId, asked: Asked) -> Target:
        sort = asked.sort or (TargetSort.DOCUMENT if log.number == SYSTEM_LOG else TargetSort.ENTRIES)
        if asked.runs is not None:
            return of_set(connection, log, asked.runs, sort=sort, name=asked.name)
        return of_entries(connection, log, asked.entries, sort=sort, name=asked.name)


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
