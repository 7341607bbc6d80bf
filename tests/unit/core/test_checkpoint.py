import json
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.core.checkpoint import Checkpoint, open_checkpoint, parse_decimal
from ledger.core.cosignature import CosignatureKey, CosignatureSigner, cosigned_at, parse_verifier
from ledger.core.errors import MalformedNote, SignatureInvalid
from ledger.core.hashing import leaf_hash
from ledger.core.merkle import (
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from ledger.core.note import Note, NoteSigner, VerifierKey, open_note, parse_note, sign_note
from ledger.core.tiles import Tile, TileReader, bundles_for_size, decode_bundle, encode_bundle, tiles_for_size
from tests.shared import shared_path

ORIGIN = "example.com/log/testdata"
LOG = NoteSigner("log.example/a", bytes(range(32)))
WITNESS = CosignatureSigner("witness.example", bytes(range(1, 33)))
HEAD = Checkpoint(origin="log.example/a", size=5, root=bytes(32))


def _tessera_key() -> VerifierKey:
    keys = json.loads(shared_path("vectors/notes/notes.json").read_bytes())["keys"]
    return VerifierKey.parse(next(key["vkey"] for key in keys if key["name"] == ORIGIN))


def _entries(folder: Path, size: int) -> list[bytes]:
    entries: list[bytes] = []
    for bundle in bundles_for_size(size):
        entries += decode_bundle((folder / bundle.path).read_bytes(), bundle.width)
    return entries


@pytest.mark.parametrize("size", range(16))
def test_a_log_of_another_implementation_verifies_at_each_of_its_sizes(size: int) -> None:
    folder = shared_path("vectors/tlog-tessera")
    data = (folder / f"checkpoint.{size}").read_bytes()
    head = open_checkpoint(data, ORIGIN, [_tessera_key()]).checkpoint
    entries = _entries(folder, size)
    leaves = [leaf_hash(entry) for entry in entries]
    assert (head.size, head.root) == (size, root_of(leaves))
    for tile in tiles_for_size(size):
        assert (folder / tile.path).read_bytes() == b"".join(leaves)
    for bundle in bundles_for_size(size):
        assert encode_bundle(entries) == (folder / bundle.path).read_bytes()

    reader = TileReader(size, lambda level, n, width: (folder / Tile(level=level, n=n, width=width).path).read_bytes())
    for index in range(size):
        verify_inclusion(index, size, leaves[index], inclusion_proof(index, size, reader), head.root)
    for old in range(1, size + 1):
        older = (folder / f"checkpoint.{old}").read_bytes()
        old_root = open_checkpoint(older, ORIGIN, [_tessera_key()]).checkpoint.root
        verify_consistency(old, size, old_root, head.root, consistency_proof(old, size, reader))


def test_a_checkpoint_of_another_implementation_is_written_byte_for_byte() -> None:
    folder = shared_path("vectors/tlog-tessera")
    assert (folder / "checkpoint").read_bytes() == (folder / "checkpoint.15").read_bytes()
    for size in range(16):
        note = parse_note((folder / f"checkpoint.{size}").read_bytes())
        assert Checkpoint.parse(note.text).text() == note.text
        assert note.encode() == (folder / f"checkpoint.{size}").read_bytes()


def test_a_mirrored_log_of_300_leaves_verifies_with_its_cosignature() -> None:
    folder = shared_path("vectors/tlog-sunlight-mirror/witness/mirror")
    (vkey,) = json.loads((folder / "mirror.v0.json").read_bytes())["verifier_keys"]
    signer = CosignatureSigner("mirror.example.org", sha256(b"skylight test mirror key").digest())
    assert str(signer.verifier) == vkey

    log = folder / sha256(b"rome2026h1.example.org").hexdigest()
    data = (log / "checkpoint").read_bytes()
    signed = open_checkpoint(data, "rome2026h1.example.org", [parse_verifier(vkey)])
    assert cosigned_at(signed.verified[0]) == 1767139200
    line = signer.sign(signed.checkpoint, 1767139200)
    assert Note(text=signed.checkpoint.text(), signatures=(line,)).encode() == data

    leaves = [leaf_hash(f"record {index}".encode()) for index in range(300)]
    assert signed.checkpoint.root == root_of(leaves)
    present = {str(path.relative_to(log)) for path in log.rglob("*") if path.is_file()} - {"checkpoint"}
    assert present == {tile.path for tile in tiles_for_size(300)}
    reader = TileReader(300, lambda level, n, width: (log / Tile(level=level, n=n, width=width).path).read_bytes())
    for index in range(300):
        verify_inclusion(index, 300, leaves[index], inclusion_proof(index, 300, reader), signed.checkpoint.root)
    for old in (1, 255, 256, 257, 299, 300):
        proof = consistency_proof(old, 300, reader)
        verify_consistency(old, 300, root_of(leaves[:old]), signed.checkpoint.root, proof)


@pytest.mark.parametrize("name", ["witness", "witness2"])
def test_published_witness_cosignatures_verify(name: str) -> None:
    folder = shared_path(f"vectors/tlog-sunlight-mirror/{name}")
    (vkey,) = json.loads((folder / "witness.v0.json").read_bytes())["verifier_keys"]
    key = parse_verifier(vkey)
    assert isinstance(key, CosignatureKey)
    (file,) = (path for path in folder.glob("*/checkpoint") if path.parent.name != "mirror")
    opened = open_note(file.read_bytes(), [key])
    assert Checkpoint.parse(opened.text).size == 300
    assert [signature.name for signature in opened.verified] == [key.name]
    with pytest.raises(SignatureInvalid):
        open_note(file.read_bytes().replace(b"\n300\n", b"\n301\n"), [key])


def test_published_bad_checkpoints_are_refused() -> None:
    bad = json.loads(shared_path("vectors/notes/formats-cases.json").read_bytes())["checkpoint_bad"]
    assert len(bad) == 7
    for text in bad:
        with pytest.raises(MalformedNote):
            Checkpoint.parse(text)


ROOT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"o\n05\n{ROOT}\n",
        f"o\n+5\n{ROOT}\n",
        f"o\n5 \n{ROOT}\n",
        f"o\n\u0665\n{ROOT}\n",
        f"o\n{2**63}\n{ROOT}\n",
        f"o\n5\n{ROOT}\n\n",
        f"o\n5\n{ROOT}\n\next\n",
        f"o\n5\n{ROOT}\next",
        f"o\n5\n{ROOT[:-1]}\n",
        f"o\n5\n{ROOT[:-2]}B=\n",
        "o\n5\nAAAA\n",
        f"o\r\n5\n{ROOT}\n",
    ],
)
def test_a_checkpoint_outside_the_format_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        Checkpoint.parse(text)


def test_extension_lines_are_kept() -> None:
    text = f"o\n{2**63 - 1}\n{ROOT}\next one\ntwo\n"
    head = Checkpoint.parse(text)
    assert (head.size, head.extensions, head.text()) == (2**63 - 1, ("ext one", "two"), text)


@pytest.mark.parametrize("wrong", ["", "a\nb", "a\tb", "\ud800"])
def test_a_checkpoint_that_no_note_can_carry_is_not_made(wrong: str) -> None:
    with pytest.raises(MalformedNote):
        Checkpoint(origin=wrong, size=1, root=bytes(32))
    with pytest.raises(MalformedNote):
        Checkpoint(origin="o", size=1, root=bytes(32), extensions=(wrong,))


def test_a_checkpoint_with_a_bad_size_or_root_is_not_made() -> None:
    for size, root in ((-1, bytes(32)), (2**63, bytes(32)), (1, bytes(31))):
        with pytest.raises(MalformedNote):
            Checkpoint(origin="o", size=size, root=root)


def test_a_checkpoint_of_another_origin_is_refused() -> None:
    data = sign_note(HEAD.text(), [LOG])
    assert open_checkpoint(data, "log.example/a", [LOG.verifier]).checkpoint == HEAD
    with pytest.raises(MalformedNote, match="origin"):
        open_checkpoint(data, "log.example/b", [LOG.verifier])


def test_a_witness_does_not_stand_in_for_the_log() -> None:
    both = Note(text=HEAD.text(), signatures=(LOG.sign(HEAD.text()), WITNESS.sign(HEAD, 7))).encode()
    signed = open_checkpoint(both, HEAD.origin, [LOG.verifier], witnesses=[WITNESS.verifier])
    assert [signature.name for signature in signed.verified] == ["log.example/a", "witness.example"]
    alone = Note(text=HEAD.text(), signatures=(WITNESS.sign(HEAD, 7),)).encode()
    with pytest.raises(SignatureInvalid, match="log"):
        open_checkpoint(alone, HEAD.origin, [LOG.verifier], witnesses=[WITNESS.verifier])


@pytest.mark.parametrize("text", ["", "00", "01", "-0", "1_0", " 1", "1e3", "\u0661", str(2**63), "9" * 30])
def test_a_number_in_another_spelling_is_refused(text: str) -> None:
    with pytest.raises(MalformedNote):
        parse_decimal(text)


def test_numbers_are_read_to_their_bound() -> None:
    assert [parse_decimal(text) for text in ("0", "10", str(2**63 - 1))] == [0, 10, 2**63 - 1]
