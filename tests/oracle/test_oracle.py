"""The oracle agrees with logs, notes and proofs that others made, and with nothing that was altered."""

import base64
import functools
import http.server
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.__main__ import main
from tests.oracle.audit import audit
from tests.oracle.errors import NotVerified
from tests.oracle.merkle import check_consistency, check_inclusion, leaf_hash
from tests.oracle.note import VerifierKey, open_checkpoint, open_note
from tests.oracle.proof import check_proof, parse_proof
from tests.oracle.registry_client import audit_folder
from tests.oracle.source import Files, Folder, Http, tile_path
from tests.support.sampled import one_in

TESSERA_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
MIRROR_KEY = "mirror.example.org+3fb148ef+BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O"


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not re.fullmatch(r"checkpoint\.\d+", path.name)
    }


@pytest.fixture(scope="module")
def tessera(vectors: Path) -> dict[str, bytes]:
    return files_of(vectors / "tlog-tessera")


@pytest.fixture(scope="module")
def sunlight(vectors: Path) -> dict[str, bytes]:
    """The mirrored log with its entry bundles, which the mirror's files leave out, written from their known text."""
    (mirror,) = (vectors / "tlog-sunlight-mirror" / "witness" / "mirror").glob("0*")
    files = files_of(mirror)
    for number, width in ((0, 256), (1, 44)):
        texts = [f"record {number * 256 + offset}".encode() for offset in range(width)]
        bundle = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
        files[tile_path("entries", number, width)] = bundle
    return files


def sunlight_origin(files: dict[str, bytes]) -> str:
    return files["checkpoint"].split(b"\n", 1)[0].decode()


def write(files: dict[str, bytes], folder: Path) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def refused(check: Callable[[], object]) -> bool:
    try:
        check()
    except NotVerified:
        return True
    return False


def flipped(files: dict[str, bytes], name: str, position: int) -> Files:
    data = bytearray(files[name])
    data[position] ^= 1 << position % 8
    return Files(files | {name: bytes(data)})


def test_a_log_written_by_tessera_verifies_at_every_size(tessera: dict[str, bytes], vectors: Path) -> None:
    keys = [VerifierKey.parse(TESSERA_KEY)]
    assert audit(Files(tessera), keys).size == 15
    for size in range(16):
        note = (vectors / "tlog-tessera" / f"checkpoint.{size}").read_bytes()
        assert audit(Files(tessera | {"checkpoint": note}), keys).size == size


def test_a_log_mirrored_by_sunlight_verifies_by_its_witness(sunlight: dict[str, bytes]) -> None:
    checkpoint = audit(Files(sunlight), [VerifierKey.parse(MIRROR_KEY)], sunlight_origin(sunlight))
    assert checkpoint.size == 300
    assert [line.time for line in checkpoint.signatures] == [1767139200]


def test_any_flipped_byte_of_the_tessera_log_is_found_and_its_file_named(tessera: dict[str, bytes]) -> None:
    keys = [VerifierKey.parse(TESSERA_KEY)]
    for name, content in tessera.items():
        for position in range(len(content)) if name == "checkpoint" else one_in(5, range(len(content))):
            with pytest.raises(NotVerified) as found:
                audit(flipped(tessera, name, position), keys)
            if name.startswith("tile/0/"):
                assert found.value.where == name
                assert f"entry {position // 32}" in found.value.why


def test_a_flipped_byte_in_any_entry_or_hash_of_the_sunlight_log_is_found(sunlight: dict[str, bytes]) -> None:
    keys, origin = [VerifierKey.parse(MIRROR_KEY)], sunlight_origin(sunlight)
    for name, content in sunlight.items():
        for position in range(0, len(content), 1 if name == "checkpoint" else 31):
            with pytest.raises(NotVerified):
                audit(flipped(sunlight, name, position), keys, origin)


def test_an_entry_altered_in_bundle_and_tile_alike_is_found_in_the_tile_above(sunlight: dict[str, bytes]) -> None:
    bundle = sunlight[tile_path("entries", 0, 256)].replace(b"record 77", b"record 78", 1)
    tile = bytearray(sunlight[tile_path("0", 0, 256)])
    tile[77 * 32 : 78 * 32] = leaf_hash(b"record 78")
    altered = sunlight | {tile_path("entries", 0, 256): bundle, tile_path("0", 0, 256): bytes(tile)}
    with pytest.raises(NotVerified, match=r"tile/1/000\.p/1: hash 0 is not that of entries 0 to 255"):
        audit(Files(altered), [VerifierKey.parse(MIRROR_KEY)], sunlight_origin(sunlight))


def test_every_missing_file_is_named(sunlight: dict[str, bytes]) -> None:
    for name in sunlight:
        rest = {other: content for other, content in sunlight.items() if other != name}
        with pytest.raises(NotVerified, match="is missing") as found:
            audit(Files(rest), [VerifierKey.parse(MIRROR_KEY)], sunlight_origin(sunlight))
        assert found.value.where == name


def test_a_log_is_refused_under_the_key_of_another(tessera: dict[str, bytes]) -> None:
    with pytest.raises(NotVerified, match="no signature of a given key"):
        audit(Files(tessera), [VerifierKey.parse(MIRROR_KEY)])


def test_a_folder_and_an_http_prefix_give_the_same_answer(
    sunlight: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, origin = write(sunlight, tmp_path), sunlight_origin(sunlight)
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        prefix = f"http://127.0.0.1:{server.server_port}"
        assert audit(Http(prefix), [VerifierKey.parse(MIRROR_KEY)], origin) == audit(
            Folder(folder), [VerifierKey.parse(MIRROR_KEY)], origin
        )
        assert main([prefix, "--vkey", MIRROR_KEY, "--origin", origin]) == 0
        (folder / tile_path("0", 1, 44)).write_bytes(bytes(44 * 32))
        assert main([prefix, "--vkey", MIRROR_KEY, "--origin", origin]) == 1
        assert "tile/0/001.p/44: hash 0 is not that of entry 256" in capsys.readouterr().err
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output readable."""


def test_the_client_from_the_registry_agrees(
    tessera: dict[str, bytes], sunlight: dict[str, bytes], tmp_path: Path
) -> None:
    folder = write(tessera, tmp_path / "tessera")
    assert audit_folder(folder, TESSERA_KEY) == 15
    assert audit_folder(write(sunlight, tmp_path / "sunlight"), MIRROR_KEY) == 300
    tile = bytearray((folder / "tile/0/000.p/15").read_bytes())
    tile[100] ^= 1
    (folder / "tile/0/000.p/15").write_bytes(tile)
    with pytest.raises(ValueError, match="another root"):
        audit_folder(folder, TESSERA_KEY)


def test_tile_paths_are_those_of_other_implementations(vectors: Path) -> None:
    for level, number, width, path in load(vectors / "tlog" / "paths.json")["tile_paths"]:
        assert tile_path(str(level), number, width or 256) == path


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_public_proof_vectors_are_judged_as_their_authors_do(vectors: Path, kind: str) -> None:
    def raw(text: str | None) -> bytes:
        return base64.b64decode(text or "")

    cases = load(vectors / "merkle" / f"{kind}.json")
    judged = 0
    for name, case in cases.items():
        proof = [raw(text) for text in case["proof"] or []]
        check: Callable[[], None]
        if kind == "inclusion":
            place = (case["leafIdx"], case["treeSize"])
            check = functools.partial(check_inclusion, *place, raw(case["leafHash"]), proof, raw(case["root"]))
        else:
            sizes, roots = (case["size1"], case["size2"]), (raw(case["root1"]), raw(case["root2"]))
            check = functools.partial(check_consistency, *sizes, *roots, proof)
        if case["wantErr"]:
            assert refused(check), name
        else:
            check()
        judged += 1
    assert judged == 98


def test_public_notes_are_opened_or_refused_as_their_authors_do(vectors: Path) -> None:
    notes = load(vectors / "notes" / "notes.json")
    for case in notes["open_ok"]:
        keys = [VerifierKey.parse(text) for text in case["verifiers"]]
        _, lines = open_note(case["note_utf8"].encode(), keys)
        assert [line.key.name for line in lines] == case["verified"], case["desc"]
    for case in notes["open_bad"]:
        if case["desc"] == "ambiguous verifier used":
            continue  # a rule of one client's key list: here a key given twice is one key
        keys = [VerifierKey.parse(text) for text in case["verifiers"]]
        assert refused(functools.partial(open_note, bytes.fromhex(case["note_hex"]), keys)), case["desc"]


def test_malformed_keys_are_refused(vectors: Path) -> None:
    notes, formats = (load(vectors / "notes" / name) for name in ("notes.json", "formats-cases.json"))
    good = notes["keys"][0]["vkey"]
    cut = [good[start:end] for start in range(len(good)) for end in range(start, len(good) + 1)]
    bumped = [good[:at] + chr(ord(good[at]) + 1) + good[at + 1 :] for at in range(len(good))]
    bad = [case["vkey"] for case in formats["cosig_vkeys"] if not case["ok"]]
    for text in [*notes["bad_vkeys"], *bumped, *bad, *(part for part in cut if part != good)]:
        assert refused(functools.partial(VerifierKey.parse, text)), text
    assert [VerifierKey.parse(case["vkey"]).kind for case in formats["cosig_vkeys"] if case["ok"]] == [4]


def test_malformed_proof_bundles_are_refused(vectors: Path) -> None:
    for text in load(vectors / "notes" / "formats-cases.json")["tlog_proof_bad"]:
        assert refused(functools.partial(parse_proof, text.encode())), text


@pytest.fixture(scope="module")
def examples(shared: Path) -> dict[str, str]:
    """The worked examples of the format description by name."""
    text = (shared / "formats.md").read_text()
    return dict(re.findall(r"<!-- ex:(\w+) -->\n```\n(.*?)```", text, re.DOTALL))


def example_keys(examples: dict[str, str]) -> list[VerifierKey]:
    return [VerifierKey.parse(word) for word in examples["pol"].split() if word.count("+") >= 2]


def test_the_worked_proof_bundle_verifies_for_its_entry_alone(examples: dict[str, str]) -> None:
    keys, bundle = example_keys(examples), examples["proof"].encode()
    entries = [line.split("  ", 1)[1].encode() for line in examples["recs"].splitlines()]
    checkpoint = check_proof(bundle, entries[2], keys, quorum=1)
    assert (checkpoint.origin, checkpoint.size) == ("ledger.example/site-a", 5)
    assert parse_proof(bundle).extra == entries[2]
    for entry in (entries[1], entries[3], b""):
        with pytest.raises(NotVerified, match="leads to another root"):
            check_proof(bundle, entry, keys)
    with pytest.raises(NotVerified, match="cosigned by 1 of the witnesses, 2 are needed"):
        check_proof(bundle, entries[2], keys, quorum=2)
    with pytest.raises(NotVerified, match="not signed by the log itself"):
        check_proof(bundle, entries[2], [key for key in keys if key.kind == 4], "ledger.example/site-a")


def test_any_flipped_byte_of_the_worked_proof_bundle_is_found(examples: dict[str, str]) -> None:
    keys, bundle = example_keys(examples), examples["proof"].encode()
    entry = examples["recs"].splitlines()[2].split("  ", 1)[1].encode()
    unauthenticated = range(bundle.index(b"\n") + 1, bundle.index(b"\nindex "))  # `extra`, by definition
    for position in one_in(3, range(len(bundle))):
        altered = bytearray(bundle)
        altered[position] ^= 1 << position % 8
        if position in unauthenticated:
            continue
        try:
            checkpoint = check_proof(bytes(altered), entry, keys, quorum=1)
        except NotVerified:
            continue
        # A line whose name or key id was altered is one of an unknown key; the other log key's line still holds.
        assert len(checkpoint.signatures) < 3, position


def test_the_worked_checkpoint_is_refused_for_another_origin(examples: dict[str, str]) -> None:
    note = examples["note"].encode()
    assert open_checkpoint(note, example_keys(examples)).size == 5
    with pytest.raises(NotVerified, match=r"not of other\.example"):
        open_checkpoint(note, example_keys(examples), "other.example")


@pytest.mark.parametrize(("first", "wanted"), [(["--vkey", TESSERA_KEY], 0), (["--vkey", MIRROR_KEY], 1)])
def test_the_exit_code_says_whether_the_log_holds(vectors: Path, first: list[str], wanted: int) -> None:
    assert main([str(vectors / "tlog-tessera"), *first]) == wanted


def test_the_oracle_imports_nothing_of_the_product() -> None:
    for path in Path(__file__).parent.glob("*.py"):
        assert not re.search(r"^\s*(from|import) (ledger|collectors|reports)\b", path.read_text(), re.MULTILINE), path
