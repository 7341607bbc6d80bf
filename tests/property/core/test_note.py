import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.cosignature import CosignatureSigner
from ledger.core.errors import LedgerError, MalformedNote
from ledger.core.hashing import b64
from ledger.core.note import Note, NoteSigner, open_note, parse_note, sign_note

LOG = NoteSigner("log.example/a", bytes(range(32)))
WITNESS = CosignatureSigner("witness.example", bytes(range(1, 33)))
lines = st.text(alphabet=st.characters(exclude_categories=["Cs"], min_codepoint=0x20), max_size=20)
texts = st.lists(lines, min_size=1, max_size=6).map(lambda parts: "\n".join(parts) + "\n")


@given(texts)
def test_every_text_survives_signing_and_opening(text: str) -> None:
    data = sign_note(text, [LOG])
    assert open_note(data, [LOG.verifier]).text == text
    assert parse_note(data).encode() == data


@given(st.binary(max_size=60) | texts.map(str.encode))
def test_any_bytes_parse_to_themselves_or_are_malformed(data: bytes) -> None:
    try:
        note = parse_note(data)
    except MalformedNote:
        return
    assert note.encode() == data


def test_no_single_changed_byte_of_a_signed_checkpoint_opens() -> None:
    head = Checkpoint(origin="log.example/a", size=1234, root=bytes(range(32)))
    signatures = (LOG.sign(head.text()), WITNESS.sign(head, 1764052864))
    data = Note(text=head.text(), signatures=signatures).encode()
    witness_name = data.index(b"witness")
    witness_id = data.index(b" ", witness_name) + 1
    unknown = range(witness_name, witness_id + 6)  # name or id changed: a line of nobody known, which is ignored
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            try:
                signed = open_checkpoint(bytes(changed), head.origin, [LOG.verifier], witnesses=[WITNESS.verifier])
            except LedgerError:
                continue
            assert place in unknown, (place, bit)
            assert signed.checkpoint == head
            assert [signature.name for signature in signed.verified] == ["log.example/a"]


sizes = st.from_regex(r"[0-9]{1,3}|[0-9 +_.-]{1,4}|[0-9]{18,20}", fullmatch=True)
roots = st.builds(
    lambda root, cut: b64(root)[: 44 - cut] + "=" * cut, st.binary(min_size=31, max_size=33), st.integers(0, 2)
)
heads = st.builds(lambda origin, *rest: "\n".join((origin, *rest)), lines, sizes, roots, st.sampled_from(["", "x\n"]))


@given(heads | texts)
def test_any_text_is_a_checkpoint_in_one_spelling_or_malformed(text: str) -> None:
    try:
        head = Checkpoint.parse(text)
    except MalformedNote:
        return
    assert head.text() == text


@given(lines.filter(bool), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_every_checkpoint_is_read_as_it_was_written(origin: str, size: int, root: bytes) -> None:
    head = Checkpoint(origin=origin, size=size, root=root)
    assert Checkpoint.parse(head.text()) == head
    with pytest.raises(MalformedNote):
        Checkpoint.parse(head.text() + "\n")
