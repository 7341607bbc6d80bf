from hashlib import sha256

import pytest

from ledger.core import hashing
from ledger.core.errors import InvalidEntry

SALT = bytes(range(32))


def test_each_kind_of_hash_has_its_own_prefix() -> None:
    data = b"\x11" * 32
    assert hashing.leaf_hash(data) == sha256(b"\x00" + data).digest()
    assert hashing.node_hash(data, SALT) == sha256(b"\x01" + data + SALT).digest()
    assert hashing.body_commitment(SALT, data) == sha256(b"\x02" + SALT + data).digest()
    assert hashing.sealed_commitment(SALT, data) == sha256(b"\x03" + SALT + data).digest()
    assert hashing.original_commitment(SALT, data) == sha256(b"\x04" + SALT + data).digest()
    assert hashing.run_chain(SALT, data) == sha256(b"\x06" + SALT + data).digest()
    assert sha256(b"").digest() == hashing.EMPTY_ROOT


@pytest.mark.parametrize("salt", [b"", SALT[:31], SALT + b"\x00"])
def test_a_salt_that_is_not_32_bytes_is_refused(salt: bytes) -> None:
    for commit in (hashing.body_commitment, hashing.sealed_commitment, hashing.original_commitment):
        with pytest.raises(InvalidEntry):
            commit(salt, b"x")
    with pytest.raises(InvalidEntry):
        hashing.run_chain(salt, SALT)
    with pytest.raises(InvalidEntry):
        hashing.run_chain(SALT, salt)


@pytest.mark.parametrize("text", ["QQ=", "QQ", "QR==", "QQ==\n", " QQ==", "Q Q==", "QQ==QQ==", "-_8=", "=", "QUI=="])
def test_base64_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(InvalidEntry):
        hashing.unb64(text)


@pytest.mark.parametrize("text", ["QQ\u00e9=", "\u0661\u0661\u0661\u0661", "\ud800AAA"])
def test_base64_with_characters_outside_ascii_is_refused(text: str) -> None:
    with pytest.raises(InvalidEntry):
        hashing.unb64(text)


def test_base64_of_another_length_than_due_is_refused() -> None:
    assert hashing.unb64(hashing.b64(SALT), 32) == SALT
    with pytest.raises(InvalidEntry):
        hashing.unb64(hashing.b64(SALT), 31)


def test_base64_round_trips_every_length() -> None:
    for size in range(70):
        data = sha256(bytes([size])).digest() * 3
        assert hashing.unb64(hashing.b64(data[:size])) == data[:size]
