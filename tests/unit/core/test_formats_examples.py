"""The worked examples of formats.md, read out of the file itself: every byte of them is also ours."""

import re
from hashlib import sha256

import pytest

from ledger.core.canonical import require_canonical
from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.cosignature import (
    CosignatureKey,
    CosignatureSigner,
    MldsaSigner,
    cosigned_at,
    mldsa_message,
    parse_verifier,
)
from ledger.core.hashing import b64, leaf_hash, unb64
from ledger.core.merkle import (
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from ledger.core.note import NoteSigner, VerifierKey, open_note, parse_note, sign_note
from ledger.core.policy import Policy
from ledger.core.proof import TlogProof
from ledger.core.tiles import TileReader, encode_bundle
from tests.shared import format_examples, shared_path

ORIGIN = "ledger.example/site-a"
TIME = 1764052864


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    return format_examples()


@pytest.fixture(scope="module")
def text() -> str:
    return shared_path("formats.md").read_text(encoding="utf-8")


def _entries(examples: dict[str, str]) -> list[bytes]:
    return [line.split("  ", 1)[1].encode() for line in examples["recs"].splitlines()]


def _leaves(examples: dict[str, str]) -> list[bytes]:
    return [leaf_hash(entry) for entry in _entries(examples)]


def _hex(block: str) -> bytes:
    return bytes.fromhex("".join(block.split()))


def _facts(examples: dict[str, str]) -> dict[str, str]:
    return dict(re.split(r"\s{2,}", line, maxsplit=1) for line in examples["key"].splitlines())


def _head(examples: dict[str, str]) -> Checkpoint:
    return Checkpoint(origin=ORIGIN, size=5, root=root_of(_leaves(examples)))


def _signer(examples: dict[str, str]) -> NoteSigner:
    seed = sha256(b"example log key 1").digest()
    assert seed.hex() == _facts(examples)["seed"]
    return NoteSigner(ORIGIN, seed)


def _second_key(text: str) -> VerifierKey:
    match = re.search(r"Second key: `([^`]+)`", text)
    assert match
    return VerifierKey.parse(match[1])


def _witness(text: str) -> CosignatureSigner:
    match = re.search(r"Witness key, seed = SHA-256\(\"([^\"]+)\"\).*`([^`\n]+)`", text)
    assert match
    signer = CosignatureSigner("witness.example/qa", sha256(match[1].encode()).digest())
    assert str(signer.verifier) == match[2]
    return signer


def test_the_entries_are_canonical_and_hash_as_stated(examples: dict[str, str]) -> None:
    for entry in _entries(examples):
        require_canonical(entry)
    stated = [line.split("  ")[1] for line in examples["leaves"].splitlines()]
    assert [leaf.hex() for leaf in _leaves(examples)] == stated


def test_the_roots_are_as_stated(examples: dict[str, str]) -> None:
    leaves = _leaves(examples)
    for line in examples["roots"].splitlines():
        size, root = line.split(" ")
        assert root_of(leaves[: int(size)]).hex() == root


def test_the_proofs_are_as_stated(examples: dict[str, str]) -> None:
    leaves = _leaves(examples)
    reader = TileReader(5, lambda _level, _n, _width: b"".join(leaves))
    inclusion = [bytes.fromhex(line) for line in examples["incl"].splitlines()]
    assert inclusion_proof(2, 5, reader) == inclusion
    verify_inclusion(2, 5, leaves[2], inclusion, root_of(leaves))
    consistency = [bytes.fromhex(line) for line in examples["cons"].splitlines()]
    assert consistency_proof(3, 5, reader) == consistency
    verify_consistency(3, 5, root_of(leaves[:3]), root_of(leaves), consistency)


def test_the_key_is_as_stated(examples: dict[str, str]) -> None:
    facts, signer = _facts(examples), _signer(examples)
    key = signer.verifier
    assert key.public_key.hex() == facts["public key"]
    assert sha256(bytes.fromhex(facts["hash input"])).digest()[:4] == key.key_id
    assert key.key_id.hex() == facts["key id"]
    assert str(key) == facts["vkey"]
    assert VerifierKey.parse(facts["vkey"]) == key
    private = facts["skey"].split("+", 4)
    assert private[:4] == ["PRIVATE", "KEY", ORIGIN, facts["key id"]]
    assert NoteSigner(ORIGIN, unb64(private[4])[1:]).verifier == key


def test_the_checkpoint_is_signed_byte_for_byte(examples: dict[str, str], text: str) -> None:
    head, signer = _head(examples), _signer(examples)
    note = examples["note"].encode()
    keys = [signer.verifier, _second_key(text)]
    signed = open_checkpoint(note, ORIGIN, keys)
    assert signed.checkpoint == head
    assert len(signed.verified) == 2
    assert note.startswith(sign_note(head.text(), [signer]))
    line = parse_note(note).signatures[0]
    assert line.key_id + line.signature == _hex(examples["sigraw"])


def test_the_cosignature_is_made_byte_for_byte(examples: dict[str, str], text: str) -> None:
    head, witness = _head(examples), _witness(text)
    line = witness.sign(head, TIME)
    assert line.line == examples["cos"] == examples["resp"]
    assert line.key_id + line.signature == _hex(examples["cosraw"])
    assert f"cosignature/v1\ntime {TIME}\n{head.text()}" == examples["msg"]


def test_the_ml_dsa_message_and_key_are_as_stated(examples: dict[str, str], text: str) -> None:
    match = re.search(r"name `([^`]+)`, key seed SHA-256\(\"([^\"]+)\"\).*= `(\w{64})`, key id `(\w{8})`", text)
    assert match
    name, seed, digest, key_id = match.groups()
    signer = MldsaSigner(name, sha256(seed.encode()).digest())
    assert sha256(signer.verifier.public_key).hexdigest() == digest
    assert signer.verifier.key_id.hex() == key_id
    assert mldsa_message(name, TIME, _head(examples)) == _hex(examples["mmsg"])
    assert parse_verifier(str(signer.verifier)).verify(
        _head(examples).text().encode(), signer.sign(_head(examples), TIME).signature
    )


def test_the_witness_request_holds(examples: dict[str, str]) -> None:
    head, _, checkpoint = examples["req"].partition("\n\n")
    old, *proof = head.split("\n")
    assert old == "old 3"
    assert checkpoint == examples["note"]
    leaves = _leaves(examples)
    signed = open_checkpoint(checkpoint.encode(), ORIGIN, [_signer(examples).verifier])
    hashes = [unb64(line, 32) for line in proof]
    verify_consistency(3, signed.checkpoint.size, root_of(leaves[:3]), signed.checkpoint.root, hashes)


def test_the_witness_answer_completes_the_note(examples: dict[str, str], text: str) -> None:
    note = (examples["note"] + examples["resp"]).encode()
    opened = open_note(note, [_witness(text).verifier])
    assert [cosigned_at(line) for line in opened.verified] == [TIME]


def test_the_monitoring_path_is_the_digest_of_the_origin(text: str) -> None:
    assert f"`{sha256(ORIGIN.encode()).hexdigest()}`" in text


def test_the_bundle_is_made_byte_for_byte(examples: dict[str, str]) -> None:
    assert encode_bundle(_entries(examples)[:2]) == _hex(examples["bundle"])


def test_the_proof_bundle_holds_under_the_policy(examples: dict[str, str], text: str) -> None:
    data = examples["proof"].encode()
    policy = Policy.parse(examples["pol"])
    assert policy.log_keys(ORIGIN) == (_signer(examples).verifier, _second_key(text))
    assert [str(held.key) for held in policy.witnesses.values()] == [str(_witness(text).verifier)]
    assert all(isinstance(held.key, CosignatureKey) for held in policy.witnesses.values())
    proof = TlogProof.parse(data)
    assert proof.encode() == data
    assert (proof.index, proof.extra) == (2, _entries(examples)[2])
    assert proof.verify(leaf_hash(_entries(examples)[2]), policy).checkpoint == _head(examples)


def test_the_time_stamp_request_stamps_the_checkpoint_text(examples: dict[str, str]) -> None:
    request = _hex(examples["tsq"])
    assert request[-35:-3] == sha256(_head(examples).text().encode()).digest()
    assert b64(_head(examples).root) in examples["note"]
