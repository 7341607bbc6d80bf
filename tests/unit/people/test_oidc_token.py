"""What a sign-in takes of a token: made here by joserfc and by hand, as no provider would make them."""

import hmac
import json
from typing import Any

import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import RSAKey

from ledger.core.errors import NotAuthenticated
from ledger.core.oidc_proof import ProviderKey, ProviderKeys, to_base64url
from ledger.people.oidc_client import Granted
from ledger.people.oidc_token import SignedIn, check_id_token, key_named

NOW = 1_795_000_000
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
HELD = ProviderKeys(
    issuer="https://id.plant.example",
    client_id="trailseal",
    claim="sub",
    keys=(msgspec.convert(KEY.as_dict(private=False), ProviderKey),),
)


def claims(**more: Any) -> dict[str, Any]:
    good = {
        "iss": HELD.issuer,
        "sub": "s-1",
        "aud": "trailseal",
        "nonce": "n-1",
        "acr": "gold",
        "auth_time": NOW - 60,
        "iat": NOW - 1,
        "exp": NOW + 300,
        **more,
    }
    return {name: value for name, value in good.items() if value is not None}


def shown(token: str, acr: tuple[str, ...] = ("gold",), keys: ProviderKeys = HELD) -> SignedIn:
    return check_id_token(Granted(id_token=token, access_token="a"), keys, "n-1", acr, NOW * 1_000_000)


def made(key: RSAKey = KEY, **more: Any) -> str:
    return jwt.encode({"alg": "RS256", "kid": key.kid}, claims(**more), key, algorithms=["RS256"])


def test_a_good_token_says_whom_it_is_about() -> None:
    assert shown(made()) == SignedIn(subject="s-1", acr="gold")
    assert shown(made(aud=["trailseal", "x"], azp="trailseal")).subject == "s-1"
    by_name = msgspec.structs.replace(HELD, claim="employee")
    assert shown(made(employee="4711"), keys=by_name).subject == "4711"
    assert key_named(made()) == "k1"


@pytest.mark.parametrize(
    "more",
    [
        {"iss": "https://id.other.example"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["trailseal", "other"]},
        {"aud": ["trailseal", "other"], "azp": "other"},
        {"azp": "other"},
        {"nonce": "n-2"},
        {"nonce": None},
        {"acr": "silver"},
        {"acr": None},
        {"exp": NOW - 31},
        {"exp": None},
        {"iat": NOW + 60},
        {"iat": None},
        {"nbf": NOW + 60},
        {"auth_time": None},
        {"auth_time": NOW - 13 * 3600},
        {"auth_time": NOW + 60},
        {"auth_time": "now"},
        {"sub": None},
        {"sub": ""},
        {"sub": 4711},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_a_token_that_says_anything_else_signs_nobody_in(more: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated, match="token was not accepted"):
        shown(made(**more))


def test_no_token_without_a_signature_of_an_entered_key_is_taken() -> None:
    """alg none, HS256 with the public key, another key of that name, and a key that the token brings."""
    none = ".".join(to_base64url(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "k1"}, claims())) + "."
    head = ".".join(to_base64url(json.dumps(part).encode()) for part in ({"alg": "HS256", "kid": "k1"}, claims()))
    shared = to_base64url(hmac.digest(KEY.as_pem(private=False), head.encode(), "sha256"))
    stranger = RSAKey.generate_key(2048, {"kid": "k1"})
    brings = {"alg": "RS256", "jwk": stranger.as_dict(private=False)}
    brought = jwt.encode(brings, claims(), stranger, algorithms=["RS256"])
    ps256 = jwt.encode({"alg": "PS256", "kid": "k1"}, claims(), KEY, algorithms=["PS256"])
    unknown = made(RSAKey.generate_key(2048, {"kid": "k2"}))
    for token in (none, f"{head}.{shared}", made(stranger), brought, ps256, unknown, "", "a.b.c", "x" * 70_000):
        with pytest.raises(NotAuthenticated, match="token was not accepted"):
            shown(token)


def test_a_member_that_stands_twice_is_refused() -> None:
    twice = json.dumps(claims())[:-1] + ',"sub":"s-2"}'
    token = jws.serialize_compact({"alg": "RS256", "kid": "k1"}, twice.encode(), KEY)
    with pytest.raises(NotAuthenticated, match="twice"):
        shown(token)


def test_what_names_no_key_names_none() -> None:
    for text in ("", "a.b.c", "%%%", to_base64url(b"[]") + ".x.y", to_base64url(b'{"kid":1}') + ".x.y"):
        assert key_named(text) is None
