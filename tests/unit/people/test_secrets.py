"""Secrets: shown once, kept as a digest that can be checked without them."""

import base64
import hashlib
import json

import pytest

from ledger.people.secrets import LINK, SESSION, TOKEN, SecretRef, issue, matches, parse, row_holds


@pytest.mark.parametrize("prefix", [TOKEN, SESSION, LINK])
def test_a_secret_holds_256_random_bits_and_a_public_id(prefix: str) -> None:
    first, second = issue(prefix, "token"), issue(prefix, "token")
    assert parse(first.text) == (prefix, first.id)
    assert len(bytes.fromhex(first.text.rpartition("_")[2])) == 32
    assert first.text != second.text
    assert first.id != second.id


def test_the_row_can_be_checked_by_hand_without_the_secret() -> None:
    issued = issue(TOKEN, "token")
    value = issued.item.value
    commitment = hashlib.sha256(b"\x03" + value).digest()
    assert base64.b64encode(commitment).decode() == issued.ref.commitment
    digest = hashlib.sha256(b"\x03" + value[:32] + json.dumps(issued.text).encode()).digest()
    assert json.loads(value[32:]) == base64.b64encode(digest).decode()
    assert issued.text.encode() not in value


def test_only_the_secret_itself_matches() -> None:
    issued, other = issue(TOKEN, "token"), issue(TOKEN, "token")
    assert row_holds(issued.ref, issued.item.value)
    assert matches(issued.text, issued.item.value)
    assert not matches(other.text, issued.item.value)
    assert not matches(issued.text[:-1], issued.item.value)
    assert not matches("", issued.item.value)


def test_a_row_that_was_altered_is_not_the_one_committed_to() -> None:
    issued, other = issue(TOKEN, "token"), issue(TOKEN, "token")
    value = issued.item.value
    for place in (0, 31, 32, len(value) - 1):
        altered = value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        assert not row_holds(issued.ref, altered)
    assert not row_holds(issued.ref, other.item.value)
    assert not row_holds(issued.ref, b"")
    assert not row_holds(SecretRef(name="token", commitment="A" * 44), value)


@pytest.mark.parametrize(
    "text", ["", "ts_", "ts__", "xx_" + "0" * 16 + "_" + "0" * 64, "ts_" + "0" * 15 + "_" + "0" * 64,
             "ts_" + "0" * 16 + "_" + "0" * 63, "ts_" + "0" * 16 + "_" + "0" * 65, "TS_" + "0" * 16 + "_" + "0" * 64,
             "ts_" + "A" * 16 + "_" + "0" * 64, "ts_" + "0" * 16 + "_" + "0" * 64 + "\n",
             "ts_" + "٠" * 16 + "_" + "0" * 64],
)  # fmt: skip
def test_other_texts_are_no_secrets(text: str) -> None:
    assert parse(text) is None
