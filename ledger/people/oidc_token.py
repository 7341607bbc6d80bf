"""Checks an ID token at sign-in: by authlib, against the key set that was entered, with algorithms of a short list."""

from typing import Final

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from ledger.core import canonical
from ledger.core.clock import MICROSECONDS
from ledger.core.errors import NotAuthenticated, NotCanonical
from ledger.core.oidc_proof import ALGORITHMS, LEEWAY_S, MAX_TOKEN, ProviderKeys, from_base64url
from ledger.people.oidc_client import Granted

MAX_AGE_S: Final = 12 * 3600
"""How long ago, at most, the person may have authenticated at the provider for a sign-in."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a token is about, and by which class of authentication."""

    subject: str
    acr: str


def key_named(token: str) -> str | None:
    """The key that a token says it was signed with; None where it names none, or is not a token."""
    try:
        header = canonical.loads(from_base64url(token.partition(".")[0]))
    except Exception:  # whatever it is, it names no key; what is wrong with it is said where it is checked
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None


def check_id_token(
    granted: Granted, keys: ProviderKeys, nonce: str, acr: tuple[str, ...], now_us: int, max_age_s: int = MAX_AGE_S
) -> SignedIn:
    """Whom the token is about; raises NotAuthenticated, saying which check failed.

    Signature, algorithm, iss, aud, azp, exp, iat, nbf, nonce, acr, auth_time and at_hash are checked.
    """
    if len(granted.id_token) > MAX_TOKEN:
        raise _refused("it is too large")
    now = now_us // MICROSECONDS
    try:
        public = KeySet.import_key_set({"keys": [msgspec.to_builtins(key) for key in keys.keys]})
        token = jwt.decode(granted.id_token, public, algorithms=list(ALGORITHMS))
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={
                "iss": {"essential": True, "value": keys.issuer},
                "aud": {"essential": True, "value": keys.client_id},
                "acr": {"essential": True, "values": list(acr)},
                "auth_time": {"essential": True},
                "nonce": {"essential": True, "value": nonce},
                keys.claim: {"essential": True},
            },
            params={"nonce": nonce, "client_id": keys.client_id, "access_token": granted.access_token},
        )
        claims.validate(now=now, leeway=LEEWAY_S)
        canonical.loads(from_base64url(granted.id_token.split(".")[1]))
    except NotCanonical as error:
        raise _refused(error.message) from None
    except (JoseError, ValueError) as error:
        raise _refused(str(error)) from None
    authenticated, subject = claims["auth_time"], claims[keys.claim]
    if not isinstance(subject, str) or not subject:
        raise _refused(f"its {keys.claim} names nobody")
    if not now - max_age_s - LEEWAY_S <= authenticated <= now + LEEWAY_S:
        raise _refused("the person authenticated too long ago")
    return SignedIn(subject=subject, acr=claims["acr"])


def _refused(why: str) -> NotAuthenticated:
    return NotAuthenticated(
        f"the identity provider's token was not accepted: {why}",
        advice="Begin again; if it stays so, an administrator compares the agreement with the provider.",
    )
