"""Passkeys for signing in (WebAuthn): made and shown at this site's own address, each time with user verification.

The challenge is bound to one step of one affair, so an assertion is good once. A counter that does not go on is
refused: somebody copied the key. Passkeys of signing are others, at another relying party (`ledger.signing`).
"""

import re
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from ledger.core.errors import NotAuthenticated, NotFound, SchemaViolation
from ledger.people.person_kinds import PasskeyFacts

TIMEOUT_MS: Final = 180_000
_NAME: Final = re.compile(r"[a-z0-9-]{1,20}")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Where people reach the pages: what passkeys are bound to."""

    origin: str

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or ""


def site_of(origin: str | None) -> Site:
    """The site of this origin; raises NotFound where the settings name none."""
    if origin is None:
        raise NotFound(
            "passkeys are bound to the address of the pages, and the settings name none",
            advice="Set `origin` under `[web]` in trailseal.toml, as in https://trailseal.plant.example.",
        )
    return Site(origin=origin)


def challenge_of(nonce: str) -> bytes:
    """The challenge of a step."""
    return sha256(b"trailseal/passkey/v1\0" + nonce.encode()).digest()


def passkey_name(identifier: bytes) -> str:
    """The component's name of a passkey: found by what the authenticator calls it."""
    return f"passkey-{sha256(identifier).hexdigest()[:32]}"


def making_options(site: Site, account: str, title: str, nonce: str, known: list[PasskeyFacts]) -> dict[str, Any]:
    """What a browser needs to make a passkey for this account; the authenticators of `known` are not asked again."""
    return _json(
        generate_registration_options(
            rp_id=site.host,
            rp_name="Trailseal",
            user_name=account,
            user_id=sha256(b"trailseal/user/v1\0" + account.encode()).digest(),
            user_display_name=title or account,
            challenge=challenge_of(nonce),
            timeout=TIMEOUT_MS,
            attestation=AttestationConveyancePreference.DIRECT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[_descriptor(one) for one in known],
        )
    )


def made(site: Site, answer: dict[str, Any], nonce: str) -> tuple[PasskeyFacts, int]:
    """The passkey that an authenticator made, and its counter; raises SchemaViolation for any other answer."""
    try:
        found = verify_registration_response(
            credential=answer,
            expected_challenge=challenge_of(nonce),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
        _refuse_framed(answer)
        transports = tuple(answer.get("response", {}).get("transports", ()))
    except (WebAuthnException, ValueError, TypeError, AttributeError, KeyError) as error:
        raise SchemaViolation(
            f"the authenticator's answer is not one for this site and step: {error}", advice="Begin again."
        ) from None
    facts = PasskeyFacts(
        identifier=bytes_to_base64url(found.credential_id),
        public_key=bytes_to_base64url(found.credential_public_key),
        aaguid=found.aaguid or "none",
        backup_eligible=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=found.credential_backed_up,
        transports=tuple(sorted({one for one in transports if isinstance(one, str) and _NAME.fullmatch(one)})),
        attestation=bytes_to_base64url(found.attestation_object),
    )
    return facts, found.sign_count


def showing_options(site: Site, nonce: str, known: list[PasskeyFacts]) -> dict[str, Any]:
    """What a browser needs to show one of these passkeys; any that it has of this site where none is named."""
    return _json(
        generate_authentication_options(
            rp_id=site.host,
            challenge=challenge_of(nonce),
            timeout=TIMEOUT_MS,
            allow_credentials=[_descriptor(one) for one in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def shown_identifier(answer: dict[str, Any]) -> bytes:
    """Which passkey an answer claims to be of; raises NotAuthenticated where it names none."""
    try:
        return base64url_to_bytes(str(answer["rawId"]))
    except (KeyError, ValueError):
        raise NotAuthenticated("the authenticator's answer names no passkey") from None


def shown(site: Site, answer: dict[str, Any], nonce: str, facts: PasskeyFacts, last: int) -> int | None:
    """The counter of a passkey that was shown for this step, or None if it was not.

    It is not where address, site, challenge, presence, verification or signature are others, where the counter does not
    go on, and where a page in a frame of another site asked.
    """
    try:
        found = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge_of(nonce),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(facts.public_key),
            credential_current_sign_count=last,
            require_user_verification=True,
        )
        _refuse_framed(answer)
    except (WebAuthnException, ValueError, TypeError, AttributeError, KeyError):
        return None
    return found.new_sign_count if bytes_to_base64url(found.credential_id) == facts.identifier else None


def _refuse_framed(answer: dict[str, Any]) -> None:
    data = msgspec.json.decode(base64url_to_bytes(str(answer["response"]["clientDataJSON"])))
    if data.get("crossOrigin"):
        raise ValueError("a page of another site asked for it")


def _descriptor(facts: PasskeyFacts) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(facts.identifier))


def _json(options: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(options_to_json(options))
    return decoded
