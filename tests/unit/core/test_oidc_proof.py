"""A token proves a signature only for its statement, its person and its provider; tokens are made by joserfc."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ledger.core.clock import parse_utc
from ledger.core.errors import SignatureInvalid
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.oidc_proof import (
    WINDOW_S,
    ProviderKey,
    ProviderKeys,
    from_base64url,
    nonce_of,
    to_base64url,
    usable,
    verify_provider_proof,
)
from ledger.core.signature import Continuity, Mode, Seen, Signer, Statement, Target, TargetSort, Words

ISSUER, CLIENT, ACR = "https://id.plant.example", "trailseal", "urn:site:hardware"
AT = "2026-11-25T07:10:06.123456Z"
NOW = parse_utc(AT) // 1_000_000
WORDS = Words(code="approved", text="Approved", language="en", version="1")
STATEMENT = Statement(
    origin="plant.example/site-a/records",
    target=Target(
        sort=TargetSort.REVIEW,
        id="review-1",
        version="1",
        origin="plant.example/site-a/records",
        count=1,
        root=b64(ZERO_HASH),
        entries=(4,),
        leaves=(b64(ZERO_HASH),),
    ),
    seen=Seen(origin="plant.example/site-a/records", size=10, root=b64(ZERO_HASH)),
    meaning=WORDS,
    reason=WORDS,
    signer=Signer(account="reviewer1", name="Anna Example", role="reviewer"),
    signed_at=AT,
    zone="Europe/Berlin",
    nonce=b64(ZERO_HASH),
    mode=Mode.PROVIDER,
    continuity=Continuity.SINGLE,
    components=("oidc",),
    class_text="an electronic signature",
)
KEYS: dict[str, RSAKey | ECKey | OKPKey] = {
    "RS256": RSAKey.generate_key(2048, {"kid": "RS256"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "ES256"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "Ed25519"}),
}
HELD = ProviderKeys(
    issuer=ISSUER,
    client_id=CLIENT,
    claim="sub",
    keys=tuple(msgspec.convert(key.as_dict(private=False), ProviderKey) for key in KEYS.values()),
    acr=(ACR,),
)


def claims(**more: Any) -> dict[str, Any]:
    good = {
        "iss": ISSUER,
        "sub": "s-1",
        "aud": [CLIENT],
        "nonce": nonce_of(STATEMENT),
        "acr": ACR,
        "auth_time": NOW + 20,
        "iat": NOW + 21,
        "exp": NOW + 321,
        **more,
    }
    return {name: value for name, value in good.items() if value is not None}


def token(algorithm: str = "RS256", key: Any = None, header: dict[str, Any] | None = None, **more: Any) -> str:
    chosen = KEYS[algorithm] if key is None else key
    made = {"alg": algorithm, "kid": chosen.kid, **(header or {})}
    return jwt.encode(made, claims(**more), chosen, algorithms=[algorithm])


def refused(text: str, subject: str = "s-1", held: ProviderKeys = HELD, **more: Any) -> str:
    with pytest.raises(SignatureInvalid) as caught:
        verify_provider_proof(more.pop("statement", STATEMENT), text, held, subject, **more)
    return caught.value.message


@pytest.mark.parametrize("algorithm", list(KEYS))
def test_a_fresh_token_for_the_statement_proves_it(algorithm: str) -> None:
    found = verify_provider_proof(STATEMENT, token(algorithm), HELD, "s-1", entered_us=(NOW + 60) * 1_000_000)
    assert (found.subject, found.acr, found.auth_time, found.kid) == ("s-1", ACR, NOW + 20, algorithm)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"nonce": "other"}, "another statement"),
        ({"nonce": None}, "no nonce"),
        ({"iss": "https://id.other.example"}, "another provider"),
        ({"iss": ISSUER + "/"}, "another provider"),
        ({"aud": ["other"]}, "another client"),
        ({"aud": "other"}, "another client"),
        ({"aud": [CLIENT, "other"]}, "azp"),
        ({"azp": "other"}, "azp"),
        ({"sub": "s-2"}, "another person"),
        ({"sub": None}, "no sub"),
        ({"acr": "urn:site:password"}, "by 'urn:site:password' only"),
        ({"acr": None}, "no acr"),
        ({"auth_time": None}, "no auth_time"),
        ({"auth_time": True}, "no auth_time"),
        ({"auth_time": float(NOW)}, "no auth_time"),
        ({"auth_time": NOW - 31}, "afresh"),
        ({"auth_time": NOW + WINDOW_S + 1}, "too late"),
        ({"iat": NOW - 40}, "not issued upon"),
        ({"iat": None}, "no iat"),
        ({"exp": NOW + 20}, "expired"),
    ],
)
def test_a_token_that_says_anything_else_is_refused(more: dict[str, Any], word: str) -> None:
    assert word in refused(token(**more))


def test_a_token_that_had_expired_when_the_signature_was_entered_is_refused() -> None:
    assert "expired" in refused(token(), entered_us=(NOW + 352) * 1_000_000)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_ed25519_is_taken_under_its_older_name_too() -> None:
    old = jwt.encode({"alg": "EdDSA", "kid": "Ed25519"}, claims(), KEYS["Ed25519"], algorithms=["EdDSA"])
    assert verify_provider_proof(STATEMENT, old, HELD, "s-1").kid == "Ed25519"


def test_a_token_moves_to_no_other_statement() -> None:
    """R18: pasting it to another record, meaning, person or time fails."""
    changes: list[dict[str, Any]] = [
        {"meaning": msgspec.structs.replace(WORDS, text="Rejected")},
        {"target": msgspec.structs.replace(STATEMENT.target, id="review-2")},
        {"signer": msgspec.structs.replace(STATEMENT.signer, role="approver")},
        {"signed_at": "2026-11-25T07:10:06.123457Z"},
        {"nonce": b64(b"\1" * 32)},
    ]
    for change in changes:
        assert "another statement" in refused(token(), statement=msgspec.structs.replace(STATEMENT, **change))
    assert "not at a provider" in refused(token(), statement=msgspec.structs.replace(STATEMENT, mode=Mode.PASSKEY))


def test_no_algorithm_but_the_three_is_taken() -> None:
    public = KEYS["RS256"].as_pem(private=False)
    signed = token(header={"alg": "RS256"}).split(".")
    signed[0] = to_base64url(b'{"alg":"HS256","kid":"RS256"}')
    signed[2] = to_base64url(hmac.digest(public, f"{signed[0]}.{signed[1]}".encode(), "sha256"))
    assert "'HS256' is never taken" in refused(".".join(signed))
    none = ".".join(to_base64url(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "RS256"}, claims()))
    assert "'none' is never taken" in refused(f"{none}.")
    ps256 = jwt.encode({"alg": "PS256", "kid": "RS256"}, claims(), KEYS["RS256"], algorithms=["PS256"])
    assert "'PS256' is never taken" in refused(ps256)


def test_a_key_that_the_set_does_not_hold_is_refused_also_when_the_token_brings_it() -> None:
    stranger = RSAKey.generate_key(2048, {"kid": "stranger"})
    assert "not in the provider's entered key set" in refused(token(key=stranger))
    brought = token(key=stranger, header={"jwk": stranger.as_dict(private=False)})
    assert "not in the provider's entered key set" in refused(brought)
    same_name = RSAKey.generate_key(2048, {"kid": "RS256"})
    assert "does not verify" in refused(token(key=same_name))
    assert "not in the provider's" in refused(token(), held=msgspec.structs.replace(HELD, keys=HELD.keys[1:]))


def test_a_key_serves_its_own_algorithm_alone() -> None:
    confused = jws.serialize_compact({"alg": "ES256", "kid": "RS256"}, json.dumps(claims()).encode(), KEYS["ES256"])
    assert "not in the provider's entered key set" in refused(confused)


@pytest.mark.filterwarnings("ignore:Key size")
def test_short_and_unknown_keys_are_not_usable() -> None:
    short = RSAKey.generate_key(1024, {"kid": "short"})
    assert not usable(msgspec.convert(short.as_dict(private=False), ProviderKey))
    off = msgspec.structs.replace(HELD.keys[1], x=to_base64url(b"\1" * 32))
    assert not usable(off)
    assert not usable(ProviderKey(kty="oct"))
    assert all(usable(key) for key in HELD.keys)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "=",
        lambda text: text.replace(".", ".\n", 1),
        lambda text: f"{text}.",
        lambda text: text.rsplit(".", 1)[0] + ".",
        lambda text: text[:-1] + ("B" if text[-1] == "A" else "A"),
        lambda text: "a" * 70_000,
        lambda text: "",
        lambda text: "ü.ü.ü",
    ],
)
def test_a_token_in_any_other_form_is_refused(change: Callable[[str], str]) -> None:
    refused(change(token()))


def test_spare_bits_of_base64url_are_refused() -> None:
    assert from_base64url("AA") == b"\0"
    with pytest.raises(SignatureInvalid, match="one form"):
        from_base64url("AB")


def test_members_that_stand_twice_and_extensions_are_refused() -> None:
    twice = json.dumps(claims())[:-1] + f',"nonce":"{nonce_of(STATEMENT)}"}}'
    made = jws.serialize_compact({"alg": "RS256", "kid": "RS256"}, twice.encode(), KEYS["RS256"])
    assert "twice" in refused(made)
    header = to_base64url(b'{"alg":"RS256","crit":["x"],"kid":"RS256","x":1}')
    assert "extension" in refused(".".join([header, *token().split(".")[1:]]))


def test_every_byte_of_a_token_counts() -> None:
    good = token("Ed25519")
    for at in range(0, len(good), 7):
        if good[at] != ".":
            letter = base64.urlsafe_b64encode(bytes([(good.encode()[at] * 7) % 256])).decode()[0]
            if letter != good[at]:
                refused(good[:at] + letter + good[at + 1 :])


def test_nothing_is_signed_where_the_site_demands_no_class() -> None:
    assert "demanded no class" in refused(token(), held=msgspec.structs.replace(HELD, acr=()))
