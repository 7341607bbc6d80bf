"""Signatures made elsewhere: the trust anchors of the site, certificates bound to persons, statements taken out.

A person takes the statement's exact bytes out, has them signed wherever their certificate is, and brings back a
detached CMS. Nobody says alone whose a certificate is: its holder asks, signing the request with it, and two other
people vouch, as for any key. Nor does anybody bring in an authority alone: a second administrator confirms each anchor.
"""

from collections.abc import Callable, Sequence

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from ledger.core.admission import AdmissionEvent
from ledger.core.anchors import Anchor, TrustAnchorEntry, anchor_id
from ledger.core.authority import Authority
from ledger.core.binding import BoundKey, act_message, key_id_of
from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation, SignatureInvalid
from ledger.core.external import brought, loaded, names_of, require_authority
from ledger.core.hashing import unb64
from ledger.core.key_history import Standing
from ledger.core.passkey import b64url
from ledger.core.signature import Mode
from ledger.people.access import Caller
from ledger.people.administration import require_admin
from ledger.people.credentials import view
from ledger.people.profile import read_profile
from ledger.signing.anchoring import CHANGED, require_anchors_still
from ledger.signing.bindings import Bindings
from ledger.signing.history import read_history
from ledger.signing.key_views import Pending, ToProve
from ledger.store.append import Batch, Transaction
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store


class KnownAnchor(msgspec.Struct, frozen=True, kw_only=True):
    """A trust anchor as people see it; `state`: `proposed`, `confirmed` or `withdrawn`."""

    anchor: str
    subject: str
    state: AdmissionEvent
    proposer: str
    confirmer: str | None
    valid_from: str
    valid_to: str
    proposed: int
    confirmed: int | None
    withdrawn: int | None


class External:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, bindings: Bindings) -> None:
        self._store = store
        self._bindings = bindings

    def anchors(self) -> list[KnownAnchor]:
        """Every trust anchor there is or was, in the order of the proposals."""
        with self._store.reading() as connection:
            return [_known(one) for one in read_history(self._store, connection).anchors.all()]

    def propose(self, certificate: bytes, reason: str, authority: Authority) -> KnownAnchor:
        """Proposes an authority's certificate (PEM or DER); a second administrator has yet to confirm it.

        Raises SchemaViolation for one that is no authority's, or is out of date; Conflict where it is there already.
        """
        _require_words(reason)
        found = loaded(certificate)
        if len(found) != 1:
            raise SchemaViolation("one trust anchor is proposed at a time", advice="Bring one certificate.")
        require_authority(found[0])
        if utc_text(self._store.clock.now_us())[:10] > found[0].not_valid_after_utc.date().isoformat():
            raise SchemaViolation("this certificate is out of date")
        data = found[0].public_bytes(Encoding.DER)
        entry = TrustAnchorEntry(
            anchor=anchor_id(data),
            event=AdmissionEvent.PROPOSED,
            subject=found[0].subject.rfc4514_string(),
            reason=reason,
            authority=authority,
            certificate=b64url(data),
        )

        def possible(last: Anchor | None) -> None:
            if last is not None and last.withdrawn is None:
                raise Conflict("this trust anchor is there already")

        return self._anchor(entry, possible)

    def confirm(self, anchor: str, reason: str, authority: Authority) -> KnownAnchor:
        """A second administrator says so too: from here on, once a checkpoint covers it, signatures may chain to it.

        Raises NotFound, Conflict, and AccessDenied for who proposed it.
        """

        def possible(last: Anchor | None) -> None:
            if last is None or last.withdrawn is not None:
                raise NotFound(f"no trust anchor {anchor!r} is proposed")
            if last.confirmed is not None:
                raise Conflict("this trust anchor counts already")
            if not last.may_confirm(authority):
                raise AccessDenied(
                    "a trust anchor is confirmed by a second administrator who is signed in",
                    advice="Ask another security officer.",
                )

        return self._anchor(self._about(anchor, AdmissionEvent.CONFIRMED, reason, authority), possible)

    def withdraw(self, anchor: str, reason: str, authority: Authority) -> KnownAnchor:
        """From here on nothing new chains to it; what was signed before stays as it is. Raises NotFound."""

        def possible(last: Anchor | None) -> None:
            if last is None or last.withdrawn is not None:
                raise NotFound(f"there is no trust anchor {anchor!r}")

        return self._anchor(self._about(anchor, AdmissionEvent.WITHDRAWN, reason, authority), possible)

    def begin(self, caller: Caller, certificate: bytes, reason: str) -> ToProve:
        """What the caller's certificate has to sign, so that it can be bound to them. Raises as `Bindings.request`.

        `certificate`: theirs (PEM or DER), first of a chain.
        """
        own = loaded(certificate)[0]
        names = names_of(own)
        key = BoundKey(
            mode=Mode.EXTERNAL,
            key_id=key_id_of(unb64(names)),
            public_key=names,
            subject=own.subject.rfc4514_string(),
            issuer=own.issuer.rfc4514_string(),
        )
        with self._store.reading() as connection:
            self._require_mode(connection)
            _require_free(read_history(self._store, connection).by_id(key.key_id))
        return self._bindings.propose(caller, key, None, reason)

    def request_bytes(self, caller: Caller, ident: str) -> bytes:
        """The exact bytes of a request that the certificate has to sign; raises NotFound, AccessDenied."""
        return act_message(self._pending(caller, ident).statement)

    def prove(
        self, caller: Caller, ident: str, cms: bytes, certificates: bytes = b"", revocation: Sequence[bytes] = ()
    ) -> int:
        """Enters the request, signed by the certificate itself; returns the entry's index.

        Raises SchemaViolation for what is no such signature, or of other bytes; else as `Bindings.prove`.
        """
        said, proof = self._pending(caller, ident).statement, brought(cms, certificates, revocation)
        until_us = self._store.clock.now_us()

        def holds(connection: Connection, size: int) -> None:
            history = read_history(self._store, connection)
            _require_free(history.by_id(said.key.key_id))
            try:
                history.certified(said.key, proof, act_message(said), size, said.at, until_us, until_us)
            except SignatureInvalid as error:
                raise SchemaViolation(
                    f"the signature does not prove this certificate: {error.message}",
                    advice="Sign the bytes that were given out, with the certificate that was named.",
                ) from None

        def check(transaction: Transaction) -> None:
            require_anchors_still(transaction)
            holds(transaction.connection, transaction.next_index)

        with self._store.reading() as connection:
            holds(connection, view(connection).size)
        return self._bindings.prove(caller, ident, proof, check)

    def _require_mode(self, connection: Connection) -> None:
        if Mode.EXTERNAL.value not in read_profile(connection).signing_modes:
            raise Conflict(
                "this site takes no signatures that were made elsewhere",
                advice="Have `external` added to the profile's signing_modes.",
            )

    def _pending(self, caller: Caller, ident: str) -> Pending:
        account, pending = self._bindings.pending(ident)
        if account != caller.account or pending.statement.key.mode is not Mode.EXTERNAL:
            raise AccessDenied("this was begun by somebody else, or for a key of another sort")
        return pending

    def _about(self, anchor: str, event: AdmissionEvent, reason: str, authority: Authority) -> TrustAnchorEntry:
        _require_words(reason)
        with self._store.reading() as connection:
            last = read_history(self._store, connection).anchors.last(anchor)
        if last is None:
            raise NotFound(f"there is no trust anchor {anchor!r}")
        return TrustAnchorEntry(anchor=anchor, event=event, subject=last.subject, reason=reason, authority=authority)

    def _anchor(self, entry: TrustAnchorEntry, possible: Callable[[Anchor | None], None]) -> KnownAnchor:
        def check(transaction: Transaction) -> None:
            require_admin(self._store, transaction, entry.authority)
            require_anchors_still(transaction)
            possible(read_history(self._store, transaction.connection).anchors.last(entry.anchor))
            transaction.scratch[CHANGED] = True

        self._store.append(SYSTEM_LOG, Batch([draft(entry)], before=check))
        return next(one for one in reversed(self.anchors()) if one.anchor == entry.anchor)


def _require_free(last: Standing | None) -> None:
    if last is not None and last.revoked is None:
        raise Conflict("this certificate's names are bound already", advice="Have that binding revoked first.")


def _require_words(reason: str) -> None:
    if not reason.strip():
        raise SchemaViolation("the reason has to be said in words")


def _known(anchor: Anchor) -> KnownAnchor:
    (certificate,) = loaded(anchor.certificate)
    return KnownAnchor(
        anchor=anchor.anchor,
        subject=anchor.subject,
        state=anchor.state,
        proposer=anchor.proposer,
        confirmer=anchor.confirmer,
        valid_from=f"{certificate.not_valid_before_utc:%Y-%m-%d}",
        valid_to=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        proposed=anchor.proposed,
        confirmed=anchor.confirmed,
        withdrawn=anchor.withdrawn,
    )
