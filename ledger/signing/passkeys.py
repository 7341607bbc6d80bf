"""Passkeys that sign: made at a relying party of their own, `sign.` before the pages' host, never those of sign-in.

The authenticator's answer is read once, here, with its attestation; from then on the key stands in the binding as SPKI
and every assertion is verified by `core.passkey`. An assertion for signing in can never pass for a signature, nor the
other way round: the site, the challenge's domain and the credential differ.
"""

import secrets
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import generate_registration_options, options_to_json, verify_registration_response
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    decode_credential_public_key,
    parse_attestation_object,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decoded_public_key_to_cryptography import decoded_public_key_to_cryptography
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ledger.core.binding import BoundKey, Registration, key_id_of
from ledger.core.errors import AccessDenied, Conflict, NotFound, SchemaViolation
from ledger.core.hashing import b64, unb64
from ledger.core.passkey import ALGORITHMS, b64url, load_key
from ledger.core.signature import Mode
from ledger.people.access import Caller
from ledger.signing import prepared
from ledger.signing.bindings import Bindings
from ledger.signing.key_views import ToProve
from ledger.store.store import Store

_SORT: Final = "passkey"
_CHALLENGE: Final = 32


class SigningSite(msgspec.Struct, frozen=True, kw_only=True):
    """Where passkeys sign: relying-party id and exact origin."""

    rp_id: str
    origin: str


class ToRegister(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser at `origin` needs to make a signing passkey; `id` goes with its answer."""

    id: str
    origin: str
    options: dict[str, Any]


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    challenge: str
    title: str
    user: str
    reason: str = ""


def signing_site(web_origin: str | None) -> SigningSite:
    """The site of signing that belongs to the pages' origin; raises Conflict where the settings name none."""
    if web_origin is None:
        raise Conflict(
            "passkeys are bound to the address of the pages, and the settings name none",
            advice="Set `origin` under `[web]` in trailseal.toml, as in https://trailseal.plant.example.",
        )
    parts = urlsplit(web_origin)
    host = f"sign.{parts.hostname}"
    port = "" if parts.port is None else f":{parts.port}"
    return SigningSite(rp_id=host, origin=f"{parts.scheme}://{host}{port}")


class SigningPasskeys:
    """Safe to use from any number of threads."""

    def __init__(self, store: Store, bindings: Bindings, web_origin: str | None) -> None:
        self._store = store
        self._bindings = bindings
        self._web_origin = web_origin

    def begin(self, caller: Caller, title: str, reason: str = "") -> ToRegister:
        """What the caller's browser needs to make a passkey that signs. Raises AccessDenied, Conflict.

        `reason`: for the key, where it is asked for now and not with the answer.
        """
        if not caller.person:
            raise AccessDenied("only a person who signed in has a signing key", advice="Sign in as yourself.")
        challenge, user = b64(secrets.token_bytes(_CHALLENGE)), b64(secrets.token_bytes(32))
        begun = _Begun(challenge=challenge, title=title, user=user, reason=reason)
        signing_site(self._web_origin)
        return self._options(prepared.put(self._store, _SORT, caller.account, begun), caller.account, begun)

    def waiting(self, ident: str) -> tuple[str, ToRegister] | None:
        """The account that began to make a passkey under this id, and what its browser needs; None where none did."""
        with self._store.reading() as connection:
            try:
                account, begun = prepared.get(self._store, connection, _SORT, ident, _Begun)
            except NotFound:
                return None
        return account, self._options(ident, account, begun)

    def _options(self, ident: str, account: str, begun: _Begun) -> ToRegister:
        site = signing_site(self._web_origin)
        options = generate_registration_options(
            rp_id=site.rp_id,
            rp_name="Trailseal signing",
            user_name=account,
            user_id=unb64(begun.user, 32),
            user_display_name=begun.title or account,
            challenge=unb64(begun.challenge, _CHALLENGE),
            attestation=AttestationConveyancePreference.DIRECT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.DISCOURAGED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            supported_pub_key_algs=[COSEAlgorithmIdentifier(one) for one in ALGORITHMS],
        )
        return ToRegister(id=ident, origin=site.origin, options=msgspec.json.decode(options_to_json(options)))

    def register(self, caller: Caller, ident: str, answer: dict[str, Any], reason: str = "") -> ToProve:
        """Takes the authenticator's answer; the key has yet to sign the request for it (`Bindings.prove`).

        Without a `reason` it is the one that was given when this was begun.

        Raises SchemaViolation for an answer that is none for this site and step, and as `Bindings.propose`.
        """
        site = signing_site(self._web_origin)
        with self._store.reading() as connection:
            account, begun = prepared.get(self._store, connection, _SORT, ident, _Begun)
        if account != caller.account:
            raise AccessDenied("this was begun by somebody else")
        try:
            key, registration = _registered(site, answer, unb64(begun.challenge, _CHALLENGE))
        except (WebAuthnException, ValueError, TypeError, AttributeError, KeyError) as error:
            raise SchemaViolation(
                f"the authenticator's answer is not one for this site and step: {error}", advice="Begin again."
            ) from None
        return self._bindings.propose(caller, key, registration, reason or begun.reason)


def _registered(site: SigningSite, answer: dict[str, Any], challenge: bytes) -> tuple[BoundKey, Registration]:
    found = verify_registration_response(
        credential=answer,
        expected_challenge=challenge,
        expected_rp_id=site.rp_id,
        expected_origin=site.origin,
        require_user_verification=True,
        supported_pub_key_algs=[COSEAlgorithmIdentifier(one) for one in ALGORITHMS],
    )
    client_data = base64url_to_bytes(str(answer["response"]["clientDataJSON"]))
    said = msgspec.json.decode(client_data)
    if said.get("crossOrigin"):
        raise ValueError("a page of another site asked for it")
    cose = decode_credential_public_key(found.credential_public_key)
    spki = decoded_public_key_to_cryptography(cose).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    load_key(b64(spki), int(cose.alg))
    key = BoundKey(
        mode=Mode.PASSKEY,
        key_id=key_id_of(spki),
        public_key=b64(spki),
        credential=bytes_to_base64url(found.credential_id),
        algorithm=int(cose.alg),
        rp_id=site.rp_id,
        web_origin=site.origin,
        cose_key=b64url(found.credential_public_key),
        aaguid=found.aaguid or "none",
        backup_eligible=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=found.credential_backed_up,
        counter=found.sign_count,
    )
    attestation = parse_attestation_object(found.attestation_object)
    return key, Registration(
        client_data=b64url(client_data), attestation=b64url(found.attestation_object), format=str(attestation.fmt)
    )
