"""The keys of a system log as its entries have them: whose each is, and from which entry to which it counts.

What a binding is, `core.binding` says; here each entry is taken in only if it holds by those before it.
"""

from collections.abc import Iterable

import msgspec

from ledger.core.address import Address
from ledger.core.anchors import Anchors, TrustAnchorEntry
from ledger.core.binding import (
    FOUNDERS,
    VOUCHERS,
    BindingEvent,
    BoundKey,
    CeremonyEntry,
    KeyBindingEntry,
    act_challenge,
    act_message,
    digest_of,
    key_id_of,
    verify_proof,
)
from ledger.core.clock import parse_utc
from ledger.core.errors import IntegrityError, SignatureInvalid
from ledger.core.external import Certified, verify_external
from ledger.core.hashing import unb64
from ledger.core.passkey import Assertion
from ledger.core.signature import (
    ExternalProof,
    KeyProof,
    Mode,
    SignatureEntry,
    challenge_of,
    lasting_us,
    signed_message,
)


class Standing(msgspec.Struct, kw_only=True):
    """A key as the entries have it: whose, requested, counting and revoked from which entry on, and who vouched."""

    key: BoundKey
    account: str
    name: str
    digest: str
    requested: int
    vouchers: tuple[str, ...] = ()
    bound: int | None = None
    revoked: int | None = None

    def counts(self, index: int) -> bool:
        """Whether the key could sign what became entry `index` of the system log."""
        return self.bound is not None and self.bound < index and (self.revoked is None or self.revoked >= index)


class KeyHistory:
    """The keys of a system log, built from its entries in order; what does not hold is raised, not taken in."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.ceremony: CeremonyEntry | None = None
        self.anchors = Anchors()
        self._by_request: dict[int, Standing] = {}
        self._by_id: dict[str, Standing] = {}

    def enter(self, index: int, body: msgspec.Struct) -> None:
        """Takes the next entry; of other kinds than bindings, ceremony and trust anchors it takes no notice.

        Raises IntegrityError (SignatureInvalid where that is what it is).
        """
        if isinstance(body, CeremonyEntry):
            self._found(index, body)
        elif isinstance(body, TrustAnchorEntry):
            self.anchors.enter(index, body)
        elif isinstance(body, KeyBindingEntry):
            {
                BindingEvent.REQUESTED: self._request,
                BindingEvent.ATTESTED: self._attest,
                BindingEvent.BOUND: self._attest,
                BindingEvent.RESEALED: self._change,
                BindingEvent.REVOKED: self._change,
            }[body.event](index, body)

    def at(self, address: str) -> Standing:
        """The key that was requested at an address; raises IntegrityError where there is none."""
        origin, _, index = address.rpartition("#")
        found = self._by_request.get(int(index)) if origin == self.origin and index.isdecimal() else None
        if found is None:
            raise IntegrityError(f"{address} is no binding of a key in this log")
        return found

    def by_id(self, key_id: str) -> Standing | None:
        """The key of an id."""
        return self._by_id.get(key_id)

    def of(self, account: str) -> Iterable[Standing]:
        """The keys that a person ever had, in the order of their requests."""
        return (one for one in self._by_request.values() if one.account == account)

    def address(self, standing: Standing) -> str:
        """The address of a key's request."""
        return str(Address(self.origin, standing.requested))

    def certified(
        self, key: BoundKey, proof: object, message: bytes, index: int, at: str, until_us: int, *also_us: int
    ) -> Certified:
        """What a signature made elsewhere proves, if the certificate bound as `key` made it over `message`.

        `index`: where it stands, or would; `at`: the statement's time, at which the certificates have to be valid, as
        at each of `also_us`; by `until_us` it has to be made. Raises SignatureInvalid.
        """
        if not isinstance(proof, ExternalProof):
            raise SignatureInvalid("the proof is of another sort than the key")
        anchors = [one.certificate for one in self.anchors.in_force(index)]
        made = parse_utc(at)
        found = verify_external(proof, message, anchors, (made, *also_us), (made, until_us))
        if (found.names, found.subject, found.issuer) != (key.public_key, key.subject, key.issuer):
            raise SignatureInvalid(f"it is by the certificate of {found.subject}, issued by {found.issuer}: not theirs")
        return found

    def anchored(self, certified: Certified, index: int) -> int:
        """The entry from which on the anchor counted to which a signature at `index` chains."""
        found = next(one for one in self.anchors.in_force(index) if one.certificate == certified.anchor)
        assert found.confirmed is not None
        return found.confirmed

    def verify(self, entry: SignatureEntry, index: int) -> Assertion | Certified | None:
        """Returns only if signature entry `index` is its signer's over this very statement, by a key that counted.

        Raises SignatureInvalid, IntegrityError. What is signed, and when, is for others to compare.
        """
        said = entry.statement
        if said.origin != self.origin:
            raise SignatureInvalid(f"the statement is of log {said.origin}, not of {self.origin}")
        if said.binding is None:
            raise SignatureInvalid("the statement names no binding of a key")
        standing = self.at(said.binding)
        if standing.account != said.signer.account or entry.authority.actor != said.signer.account:
            raise SignatureInvalid(f"the key is that of {standing.account!r}, not of {said.signer.account!r}")
        if not standing.counts(index):
            raise SignatureInvalid(f"key {standing.key.key_id} did not count when it was signed")
        if said.mode is not standing.key.mode:
            raise SignatureInvalid("the statement says another mode than the key's")
        message = signed_message(said)
        if said.mode is Mode.EXTERNAL:
            until_us = parse_utc(said.signed_at) + lasting_us(said.mode)
            return self.certified(standing.key, entry.proof, message, index, said.signed_at, until_us)
        return verify_proof(standing.key, entry.proof, message, challenge_of(said))

    def _request(self, index: int, body: KeyBindingEntry) -> None:
        said = body.statement
        if said is None or said.origin != self.origin or said.account != body.account:
            raise IntegrityError("the request's statement is missing, or another person's or log's")
        key = said.key
        external = key.mode is Mode.EXTERNAL
        last = self._by_id.get(key.key_id)
        # A certificate's names stay a person's: once revoked they may be bound again, after a new check of identity.
        again = last is not None and not (external and last.revoked is not None)
        if key_id_of(unb64(key.public_key)) != key.key_id or key.key_id != body.binding or again:
            raise IntegrityError(f"{body.binding} is not the id of this key, or was bound before")
        if external:
            until_us = parse_utc(said.at) + lasting_us(key.mode)
            self.certified(key, body.proof, act_message(said), index, said.at, until_us)
        else:
            verify_proof(key, body.proof, act_message(said), act_challenge(said))
        standing = Standing(key=key, account=said.account, name=said.name, digest=digest_of(said), requested=index)
        self._by_request[index] = self._by_id[key.key_id] = standing

    def _attest(self, index: int, body: KeyBindingEntry) -> None:
        said = body.attestation
        if said is None or said.origin != self.origin:
            raise IntegrityError("the attestation is missing, or of another log")
        standing, voucher = self.at(said.request), self.at(said.key)
        number = len(standing.vouchers) + 1
        due = BindingEvent.BOUND if number == VOUCHERS else BindingEvent.ATTESTED
        if standing.bound is not None or standing.revoked is not None or body.event is not due:
            raise IntegrityError(f"the key of {standing.account!r} is not waiting for this attestation")
        if (body.binding, body.account, said.digest) != (standing.key.key_id, standing.account, standing.digest):
            raise IntegrityError("the attestation is of another request than it says")
        if said.account != voucher.account or body.authority.actor != voucher.account:
            raise IntegrityError(f"the voucher is not {said.account!r}")
        if voucher.account == standing.account or voucher.account in standing.vouchers:
            raise IntegrityError(f"{voucher.account!r} cannot vouch for this key")
        if not voucher.counts(index):
            raise IntegrityError(f"the voucher's own key {voucher.key.key_id} did not count")
        verify_proof(voucher.key, body.proof, act_message(said), act_challenge(said))
        standing.vouchers += (voucher.account,)
        if number == VOUCHERS:
            standing.bound = index

    def _change(self, index: int, body: KeyBindingEntry) -> None:
        standing = self._by_id.get(body.binding)
        if standing is None or standing.account != body.account or standing.revoked is not None:
            raise IntegrityError(f"there is no key {body.binding} of {body.account!r} that this could happen to")
        if body.event is BindingEvent.REVOKED:
            standing.revoked = index

    def _found(self, index: int, body: CeremonyEntry) -> None:
        said = body.statement
        if self.ceremony is not None:
            raise IntegrityError("there was a first start before")
        if said.origin != self.origin or body.fingerprint != digest_of(said):
            raise IntegrityError("the ceremony is of another log, or its fingerprint not that of what was signed")
        if not len({one.account for one in said.founders}) == len(said.founders) == len(body.signatures) == FOUNDERS:
            raise IntegrityError("a ceremony takes two founders, and the signature of each")
        message = act_message(said)
        keys = []
        for one, signature in zip(said.founders, body.signatures, strict=True):
            standing = self.at(one.request)
            if (standing.account, standing.key.key_id, standing.digest) != (one.account, one.key_id, one.digest):
                raise IntegrityError(f"the key of founder {one.account!r} is not the one that was requested")
            if standing.bound is not None or standing.revoked is not None:
                raise IntegrityError(f"the key of founder {one.account!r} is bound or revoked already")
            verify_proof(standing.key, KeyProof(key_id=one.key_id, signature=signature), message, b"")
            keys.append(standing)
        for standing in keys:
            standing.bound = index
        self.ceremony = body
