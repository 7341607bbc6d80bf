import json
from typing import Any

import pytest

from ledger.core.errors import LedgerError, MalformedNote, SignatureInvalid
from ledger.core.hashing import unb64
from ledger.core.note import (
    Note,
    NoteSigner,
    VerifierKey,
    ed25519_verify,
    open_note,
    parse_note,
    sign_note,
)
from tests.shared import shared_path

SIGNER = NoteSigner("log.example/a", bytes(range(32)))
OTHER = NoteSigner("log.example/b", bytes(range(1, 33)))
TEXT = "first\n\nafter a blank line\n"
NOTE = sign_note(TEXT, [SIGNER, OTHER])


def _published() -> dict[str, Any]:
    cases: dict[str, Any] = json.loads(shared_path("vectors/notes/notes.json").read_bytes())
    return cases


def _seed(skey: str) -> bytes:
    """The seed in Go's private form of a key."""
    return unb64(skey.split("+", 4)[4])[1:]


def test_published_keys_are_read_and_written() -> None:
    for case in _published()["keys"]:
        key = VerifierKey.parse(case["vkey"])
        assert (key.name, str(key)) == (case["name"], case["vkey"])
        if "skey" in case:
            assert NoteSigner(case["name"], _seed(case["skey"])).verifier == key


def test_published_bad_keys_are_refused() -> None:
    published = _published()
    assert "every proper substring" in published["bad_vkey_rule"]
    bad: list[str] = list(published["bad_vkeys"])
    for case in published["keys"]:
        good = case["vkey"]
        ends = range(len(good) + 1)
        bad += {good[start:end] for start in ends for end in ends[start:]} - {good}
        bad += [good[:at] + chr(ord(good[at]) + 1) + good[at + 1 :] for at in range(len(good))]
    for text in bad:
        with pytest.raises(MalformedNote):
            VerifierKey.parse(text)


def test_the_published_signature_is_made_byte_for_byte() -> None:
    published = _published()
    case = published["sign"]
    skey = next(key["skey"] for key in published["keys"] if key["name"] == case["skey_of"])
    signer = NoteSigner(case["skey_of"], _seed(skey))
    assert signer.sign(case["text"]).line == case["signature_line"]


def test_published_good_notes_open() -> None:
    for case in _published()["open_ok"]:
        verifiers = [VerifierKey.parse(text) for text in case["verifiers"]]
        opened = open_note(case["note_utf8"].encode(), verifiers)
        assert [signature.name for signature in opened.verified] == case["verified"], case["desc"]
        if case["unverified"] is not None:
            assert [signature.name for signature in opened.unverified] == case["unverified"], case["desc"]
        assert case["note_utf8"].startswith(opened.text + "\n\u2014 ")


def test_published_bad_notes_do_not_open() -> None:
    for case in _published()["open_bad"]:
        verifiers = [VerifierKey.parse(text) for text in case["verifiers"]]
        with pytest.raises((MalformedNote, SignatureInvalid)):
            open_note(bytes.fromhex(case["note_hex"]), verifiers)


def test_every_published_ed25519_case_is_decided_as_published() -> None:
    suite = json.loads(shared_path("vectors/ed25519/ed25519_test.json").read_bytes())
    decided = 0
    for group in suite["testGroups"]:
        key = VerifierKey(name="k", public_key=bytes.fromhex(group["publicKey"]["pk"]))
        for case in group["tests"]:
            accepted = key.verify(bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert accepted == (case["result"] == "valid"), case
            decided += 1
    assert decided == suite["numberOfTests"] == 151


def test_a_note_is_split_at_its_last_blank_line() -> None:
    opened = open_note(NOTE, [SIGNER.verifier])
    assert opened.text == TEXT
    assert [signature.name for signature in opened.unverified] == ["log.example/b"]


def test_a_parsed_note_gives_back_its_bytes() -> None:
    assert parse_note(NOTE).encode() == NOTE


def test_a_failing_line_of_a_known_key_rejects_the_whole_note() -> None:
    other = parse_note(sign_note("else\n", [OTHER])).signatures
    mixed = Note(text=TEXT, signatures=(SIGNER.sign(TEXT), *other)).encode()
    assert open_note(mixed, [SIGNER.verifier]).verified
    with pytest.raises(SignatureInvalid, match=r"log\.example/b"):
        open_note(mixed, [SIGNER.verifier, OTHER.verifier])


def test_a_key_of_the_same_name_is_another_key() -> None:
    successor = NoteSigner("log.example/a", bytes(range(2, 34)))
    both = sign_note(TEXT, [SIGNER, successor])
    assert len(open_note(both, [SIGNER.verifier, successor.verifier]).verified) == 2
    assert len(open_note(both, [successor.verifier]).unverified) == 1


def test_a_repeated_line_counts_once() -> None:
    signature = SIGNER.sign(TEXT)
    doubled = Note(text=TEXT, signatures=(signature, signature)).encode()
    assert open_note(doubled, [SIGNER.verifier]).verified == (signature,)


def test_a_second_line_of_a_known_key_must_verify_too() -> None:
    wrong = SIGNER.sign("else\n")
    data = Note(text=TEXT, signatures=(SIGNER.sign(TEXT), wrong)).encode()
    with pytest.raises(SignatureInvalid):
        open_note(data, [SIGNER.verifier])


def test_a_hundred_lines_are_accepted_and_no_more() -> None:
    signatures = [NoteSigner(f"w{number}.example", bytes([number]) * 32).sign(TEXT) for number in range(101)]
    keys = [SIGNER.verifier]
    hundred = (SIGNER.sign(TEXT), *signatures[:99])
    assert len(open_note(Note(text=TEXT, signatures=hundred).encode(), keys).unverified) == 99
    with pytest.raises(MalformedNote, match="101"):
        open_note(Note(text=TEXT, signatures=(SIGNER.sign(TEXT), *signatures[:100])).encode(), keys)


LINE = SIGNER.sign("t\n").line


def _changed(old: str, new: str) -> str:
    """A note whose signature line has one thing in another spelling."""
    assert old in LINE
    return "t\n\n" + LINE.replace(old, new)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "t\n",
        "t\n\n",
        "t\n\n\n",
        f"t\n{LINE}",
        f"t\n\n{LINE}\n",
        f"t\n\n{LINE}x\n",
        f"t\n\n{LINE[:-1]}",
        f"t\r\n\r\n{LINE}",
        f"t\t\n\n{LINE}",
        f"t\x00\n\n{LINE}",
        f"\n\n {LINE}",
        _changed("\u2014 ", "- "),
        _changed(" log", "  log"),
        _changed("log.", "log+"),
        _changed("log.", "log\u2003"),
        _changed("log.", "log\u0085"),
        _changed("=", ""),
        _changed("=", "=="),
        f"t\n\n{LINE[:-1]} \n",
        "t\n\n\u2014 log.example/a AAAAAA==\n",
        "t\n\n\u2014 log.example/a \n",
        "t\n\n\u2014 log.example/a\n",
        "t\n\n\u2014  AAAAAAAA\n",
    ],
)
def test_a_note_outside_the_format_is_refused(note: str) -> None:
    with pytest.raises(MalformedNote):
        parse_note(note.encode())


def test_a_line_separator_of_unicode_does_not_end_a_line() -> None:
    text = "a\u2028b\u0085c\n"
    assert open_note(sign_note(text, [SIGNER]), [SIGNER.verifier]).text == text


@pytest.mark.parametrize("text", ["", "no line feed", "tab\there\n", "cr\r\n", "\ud800\n", "nul\x00\n"])
def test_text_that_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedNote):
        SIGNER.sign(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2028b", "\ud800", "a\x01"])
def test_a_name_that_no_line_can_hold_is_refused(name: str) -> None:
    with pytest.raises(MalformedNote):
        NoteSigner(name, bytes(32))


def test_a_public_key_of_another_length_is_refused() -> None:
    with pytest.raises(MalformedNote):
        VerifierKey(name="a", public_key=bytes(31))


def test_a_key_id_is_not_enough_to_sign() -> None:
    stranger = NoteSigner("log.example/a", bytes(32))
    forged = stranger.sign(TEXT)
    line = f"\u2014 log.example/a {SIGNER.sign(TEXT).line.split(' ')[2][:5]}{forged.line.split(' ')[2][5:]}"
    with pytest.raises(LedgerError):
        open_note(f"{TEXT}\n{line}".encode(), [SIGNER.verifier])


def test_no_signature_of_another_length_verifies() -> None:
    signature = SIGNER.sign(TEXT).signature
    key = SIGNER.verifier.public_key
    assert ed25519_verify(key, TEXT.encode(), signature)
    for wrong in (b"", signature[:63], signature + b"\x00"):
        assert not ed25519_verify(key, TEXT.encode(), wrong)


def test_the_seed_does_not_show_in_the_signer() -> None:
    assert bytes(range(32)).hex() not in repr(SIGNER)
    assert repr(bytes(range(32))) not in repr(SIGNER)
