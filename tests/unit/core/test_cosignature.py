import json

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import (
    CosignatureKey,
    CosignatureSigner,
    MldsaKey,
    MldsaSigner,
    cosigned_at,
    mldsa_message,
    parse_log_key,
    parse_verifier,
)
from ledger.core.errors import MalformedNote, SignatureInvalid
from ledger.core.hashing import unb64
from ledger.core.note import KEY_ID_SIZE, Note, NoteSignature, NoteSigner, join_vkey, open_note
from tests.shared import shared_path

HEAD = Checkpoint(origin="log.example/a", size=5, root=bytes(range(32)))
EXTENDED = Checkpoint(origin="log.example/a", size=5, root=bytes(range(32)), extensions=("more",))
WITNESS = CosignatureSigner("witness.example/a", bytes(range(32)))
PQ = MldsaSigner("witness.example/pq", bytes(range(32)))
TIME = 1764052864


def _note(head: Checkpoint, *signatures: NoteSignature) -> bytes:
    return Note(text=head.text(), signatures=signatures).encode()


def test_a_log_signs_with_plain_ed25519_or_ml_dsa_and_never_as_a_witness() -> None:
    for key in (NoteSigner("log.example/a", bytes(32)).verifier, PQ.verifier):
        assert parse_log_key(str(key)) == key
    with pytest.raises(MalformedNote, match="no log signs with"):
        parse_log_key(str(WITNESS.verifier))


def test_published_witness_keys_are_decided_as_published() -> None:
    for case in json.loads(shared_path("vectors/notes/formats-cases.json").read_bytes())["cosig_vkeys"]:
        if case["ok"]:
            key = parse_verifier(case["vkey"])
            assert isinstance(key, CosignatureKey)
            assert str(key) == case["vkey"]
        else:
            with pytest.raises(MalformedNote):
                parse_verifier(case["vkey"])


def test_the_published_time_is_read_from_a_cosignature_only() -> None:
    for case in json.loads(shared_path("vectors/notes/formats-cases.json").read_bytes())["cosig_timestamp"]:
        data = unb64(case["base64"])
        line = NoteSignature(name="w", key_id=data[:KEY_ID_SIZE], signature=data[KEY_ID_SIZE:])
        if case["time"] is not None:
            assert cosigned_at(line) == case["time"]
        else:
            with pytest.raises(MalformedNote):
                cosigned_at(line)


def test_each_kind_of_key_is_written_and_read() -> None:
    for key in (WITNESS.verifier, PQ.verifier, NoteSigner("log.example/a", bytes(32)).verifier):
        assert parse_verifier(str(key)) == key


def test_a_key_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(MalformedNote, match="type 02"):
        parse_verifier(join_vkey("x", 0x02, bytes(32)))
    with pytest.raises(MalformedNote):
        CosignatureKey(name="w", public_key=bytes(33))
    with pytest.raises(MalformedNote):
        MldsaKey(name="w", public_key=bytes(32))


@pytest.mark.parametrize("signer", [WITNESS, PQ], ids=["ed25519", "ml-dsa-44"])
def test_a_cosignature_vouches_for_one_checkpoint_and_time(signer: CosignatureSigner | MldsaSigner) -> None:
    line = signer.sign(HEAD, TIME)
    assert cosigned_at(line) == TIME
    assert open_note(_note(HEAD, line), [signer.verifier]).verified == (line,)
    others = (
        Checkpoint(origin="log.example/b", size=5, root=HEAD.root),
        Checkpoint(origin="log.example/a", size=6, root=HEAD.root),
        Checkpoint(origin="log.example/a", size=5, root=bytes(32)),
    )
    for other in others:
        with pytest.raises(SignatureInvalid):
            open_note(_note(other, line), [signer.verifier])
    later = (TIME + 1).to_bytes(8, "big") + line.signature[8:]
    beyond = b"\xff" * 8 + line.signature[8:]
    for wrong in (later, beyond, line.signature[:-1], line.signature + b"\x00", line.signature[8:], b"\x00"):
        changed = NoteSignature(name=line.name, key_id=line.key_id, signature=wrong)
        with pytest.raises(SignatureInvalid):
            open_note(_note(HEAD, changed), [signer.verifier])


def test_extension_lines_are_covered_by_ed25519_and_not_by_ml_dsa() -> None:
    with pytest.raises(SignatureInvalid):
        open_note(_note(EXTENDED, WITNESS.sign(HEAD, TIME)), [WITNESS.verifier])
    assert open_note(_note(EXTENDED, PQ.sign(HEAD, TIME)), [PQ.verifier]).verified


def test_an_ml_dsa_key_signs_nothing_but_checkpoints() -> None:
    data = Note(text="no checkpoint\n", signatures=(PQ.sign(HEAD, TIME),)).encode()
    with pytest.raises(SignatureInvalid):
        open_note(data, [PQ.verifier])


def test_a_log_signature_is_not_taken_for_a_cosignature() -> None:
    seed = bytes(range(32))
    log = NoteSigner(WITNESS.verifier.name, seed)
    assert log.verifier.key_id != WITNESS.verifier.key_id
    signature = log.sign(HEAD.text()).signature
    for forged in (signature, bytes(8) + signature):
        line = NoteSignature(name=log.verifier.name, key_id=WITNESS.verifier.key_id, signature=forged)
        with pytest.raises(SignatureInvalid):
            open_note(_note(HEAD, line), [WITNESS.verifier])


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_out_of_bounds_is_not_signed(time: int) -> None:
    for signer in (WITNESS, PQ):
        with pytest.raises(MalformedNote):
            signer.sign(HEAD, time)


def test_names_beyond_255_bytes_are_refused_where_the_length_is_one_byte() -> None:
    long = Checkpoint(origin="o" * 256, size=1, root=bytes(32))
    with pytest.raises(MalformedNote):
        mldsa_message("w", TIME, long)
    with pytest.raises(MalformedNote):
        MldsaSigner("\u00e9" * 128, bytes(32))
    assert (
        len(mldsa_message("w", TIME, Checkpoint(origin="o" * 255, size=1, root=bytes(32))))
        == 12 + 1 + 1 + 8 + 1 + 255 + 8 + 8 + 32
    )
