from itertools import permutations

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import InvalidEntry, LedgerError, MalformedNote, NotCanonical, SignatureInvalid
from ledger.core.note import NoteSigner, ed25519_public_key, ed25519_verify, open_note, sign_note
from ledger.core.statement import (
    Purpose,
    open_report,
    report_key_name,
    sign_report,
    sign_statement,
    statement_message,
    verify_statement,
)

SEED = bytes(range(32))
KEY = ed25519_public_key(SEED)
ORIGIN = "log.example/a"
PAYLOAD = {"number": 7, "digest": "abc"}


def test_the_signed_bytes_name_purpose_and_origin() -> None:
    message = statement_message(Purpose.KEY_BINDING, ORIGIN, PAYLOAD)
    assert message == b'trailseal/key-binding/v1\n{"digest":"abc","number":7,"origin":"log.example/a"}'
    signature = sign_statement(Purpose.KEY_BINDING, ORIGIN, PAYLOAD, SEED)
    assert ed25519_verify(KEY, message, signature)


def test_a_signature_serves_one_purpose_only() -> None:
    for made, claimed in permutations(Purpose, 2):
        signature = sign_statement(made, ORIGIN, PAYLOAD, SEED)
        verify_statement(made, ORIGIN, PAYLOAD, KEY, signature)
        with pytest.raises(SignatureInvalid, match=claimed):
            verify_statement(claimed, ORIGIN, PAYLOAD, KEY, signature)


def test_a_signature_serves_one_origin_payload_and_key_only() -> None:
    signature = sign_statement(Purpose.BATCH, ORIGIN, PAYLOAD, SEED)
    for origin, payload, key in (
        ("log.example/b", PAYLOAD, KEY),
        (ORIGIN, {**PAYLOAD, "number": 8}, KEY),
        (ORIGIN, {**PAYLOAD, "more": None}, KEY),
        (ORIGIN, PAYLOAD, ed25519_public_key(bytes(32))),
    ):
        with pytest.raises(SignatureInvalid):
            verify_statement(Purpose.BATCH, origin, payload, key, signature)


def test_a_payload_cannot_name_another_origin() -> None:
    same = {**PAYLOAD, "origin": ORIGIN}
    assert statement_message(Purpose.CARD, ORIGIN, same) == statement_message(Purpose.CARD, ORIGIN, PAYLOAD)
    for origin, payload in ((ORIGIN, {"origin": "log.example/b"}), (ORIGIN, {"origin": None}), ("", {})):
        with pytest.raises(InvalidEntry):
            statement_message(Purpose.CARD, origin, payload)


def test_a_payload_without_canonical_form_is_not_signed() -> None:
    with pytest.raises(NotCanonical):
        sign_statement(Purpose.CARD, ORIGIN, {"x": float("nan")}, SEED)


def test_the_purposes_are_the_closed_set() -> None:
    known = {
        "report",
        "batch",
        "receipt",
        "statement",
        "key-binding",
        "card",
        "bundle",
        "notice",
        "log-key",
        "time-epoch",
    }
    assert {*Purpose} == known
    with pytest.raises(ValueError, match="checkpoint"):
        Purpose("checkpoint")


def test_a_report_opens_with_the_report_key_of_its_log_only() -> None:
    key = NoteSigner(report_key_name(ORIGIN), SEED).verifier
    data = sign_report(ORIGIN, PAYLOAD, SEED)
    assert open_report(data, ORIGIN, key) == {**PAYLOAD, "origin": ORIGIN}
    with pytest.raises(LedgerError):
        open_report(data, "log.example/b", key)
    with pytest.raises(SignatureInvalid):
        open_report(data, ORIGIN, NoteSigner(ORIGIN, SEED).verifier)
    with pytest.raises(SignatureInvalid):
        open_report(data.replace(b":7", b":8"), ORIGIN, key)


@pytest.mark.parametrize(
    "text",
    [
        'trailseal/batch/v1\n{"origin":"log.example/a"}\n',
        'trailseal/report/v1\n{"origin":"log.example/b"}\n',
        "trailseal/report/v1\n[]\n",
        'trailseal/report/v1\n{"origin": "log.example/a"}\n',
        'trailseal/report/v1\n{"origin":"log.example/a"}\n\n',
        'trailseal/report/v1\n{"origin":"log.example/a"}\nmore\n',
        "trailseal/report/v1\n",
    ],
)
def test_another_note_of_the_report_key_is_no_report(text: str) -> None:
    signer = NoteSigner(report_key_name(ORIGIN), SEED)
    with pytest.raises((MalformedNote, NotCanonical)):
        open_report(sign_note(text, [signer]), ORIGIN, signer.verifier)


def test_a_report_never_parses_as_a_checkpoint() -> None:
    key = NoteSigner(report_key_name(ORIGIN), SEED).verifier
    for payload in ({}, PAYLOAD, {"text": "a\nb\nc\n5\n"}):
        text = open_note(sign_report(ORIGIN, payload, SEED), [key]).text
        with pytest.raises(MalformedNote):
            Checkpoint.parse(text)
