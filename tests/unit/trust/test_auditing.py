"""`trailseal verify --tiles`: what an audit of published tiles finds, in logs of ours and of other products."""

import gzip
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from ledger.core.audit import Audit
from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import CosignatureSigner, parse_verifier
from ledger.core.errors import CheckpointForked, ConfigError, RolledBack
from ledger.core.hashing import b64, leaf_hash
from ledger.core.merkle import root_of
from ledger.core.note import NoteSigner, parse_note
from ledger.core.policy import Policy
from ledger.core.tiles import bundles_for_size, encode_bundle
from ledger.trust.auditing import Anchor, Auditor, TilesVerdict
from ledger.trust.published import FolderTiles, published
from tests.oracle.audit import audit
from tests.oracle.errors import NotVerified
from tests.oracle.note import VerifierKey
from tests.oracle.source import Folder
from tests.oracle.test_oracle import MIRROR_KEY, TESSERA_KEY
from tests.shared import shared_path
from tests.support.published import files, leaves, published_files, written

SIGNER = NoteSigner("plant.example/a/records", b"\x01" * 32)
OTHER = NoteSigner("plant.example/a/records", b"\x02" * 32)
QA = CosignatureSigner("witness.example/qa", b"\x03" * 32)
KEY = Anchor(keys=(SIGNER.verifier,))
ENTRIES = leaves(600)


def judged(folder: Path, anchor: Anchor = KEY, **more: object) -> TilesVerdict:
    """The verdict on a folder; `since` and `state` go to it, the rest to the auditor."""
    seen = {name: more.pop(name) for name in ("since", "state") if name in more}
    return Auditor(FolderTiles(folder), anchor, **more).verdict(**seen)  # type: ignore[arg-type]


def wrong(verdict: TilesVerdict) -> str:
    assert verdict.exit_code == 1
    (problem,) = verdict.problems
    return f"{problem.code}: {problem.what}"


def at(size: int, folder: Path, entries: Sequence[bytes] = ENTRIES) -> Path:
    """The folder of the log at that size."""
    return written(published_files(entries[:size], SIGNER), folder)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 600])
def test_a_log_is_held_to_its_root_at_every_size_and_the_oracle_agrees(tmp_path: Path, size: int) -> None:
    found = judged(at(size, tmp_path))
    assert (found.exit_code, found.size, found.problems) == (0, size, ())
    agreed = audit(Folder(tmp_path), [VerifierKey.parse(str(SIGNER.verifier))])
    assert (agreed.size, b64(agreed.root), agreed.origin) == (found.size, found.root, found.origin)


def test_without_a_key_a_log_is_consistent_with_itself_and_no_more(tmp_path: Path) -> None:
    at(300, tmp_path)
    found = judged(tmp_path, Anchor())
    assert found.exit_code == 2
    assert "NOT authenticated" in found.summary
    assert "signature_invalid" in wrong(judged(tmp_path, Anchor(keys=(OTHER.verifier,))))
    assert "malformed_note" in wrong(judged(tmp_path, Anchor(keys=KEY.keys, origin="plant.example/b")))
    assert judged(tmp_path, Anchor(origin="plant.example/a/records")).exit_code == 2


def test_any_flipped_bit_is_found_by_the_audit_as_by_the_oracle(tmp_path: Path) -> None:
    entries = [*ENTRIES[:259]]
    at(len(entries), tmp_path)
    keys = [VerifierKey.parse(str(SIGNER.verifier))]
    for name, content in files(tmp_path).items():
        for place in range(0, len(content), 1 if len(content) < 400 else 1009):
            altered = bytearray(content)
            altered[place] ^= 1 << place % 8
            (tmp_path / name).write_bytes(altered)
            found = judged(tmp_path)
            assert found.exit_code == 1, f"{name}, byte {place}"
            with pytest.raises(NotVerified):
                audit(Folder(tmp_path), keys)
            if name.startswith("tile/"):
                # Where the tile itself is right, what is wrong is the bundle above which it stands.
                assert name in wrong(found) or name.replace("entries", "0") in wrong(found)
        (tmp_path / name).write_bytes(content)
    assert judged(tmp_path).exit_code == 0


def test_every_missing_file_is_named(tmp_path: Path) -> None:
    at(600, tmp_path)
    for name, content in files(tmp_path).items():
        (tmp_path / name).unlink()
        assert f"{name} is missing" in wrong(judged(tmp_path))
        (tmp_path / name).write_bytes(content)


def test_the_full_tile_stands_for_a_partial_one_that_is_gone(tmp_path: Path) -> None:
    early = published_files(ENTRIES[:300], SIGNER)
    at(600, tmp_path)
    (tmp_path / "checkpoint").write_bytes(early["checkpoint"])
    (tmp_path / "tile/1/000.p/1").parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "tile/1/000.p/1").write_bytes(early["tile/1/000.p/1"])
    found = judged(tmp_path)
    assert (found.exit_code, found.size) == (0, 300)


def replaced(index: int, change: Callable[[bytes], bytes]) -> list[bytes]:
    """The entries with one of them changed, and the chain after it made to fit, as who holds the key would do it."""
    return [*ENTRIES[:index], change(ENTRIES[index]), *ENTRIES[index + 1 :]]


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (replaced(300, lambda leaf: leaf.replace(b'"index":300', b'"index":301')), "it is the leaf of entry 301"),
        (replaced(300, lambda leaf: leaf.replace(b'"record"', b'"source"')), "entry 301: it does not name"),
        (replaced(599, lambda leaf: leaf.replace(b':"2026-', b':"2025-')), "entry 599: it was logged before"),
        (replaced(300, lambda leaf: leaf.replace(b'"v":1', b'"v": 1')), "not in canonical form"),
        (replaced(300, lambda leaf: leaf.replace(b'"record"', b'"log-created"')), "does not belong there"),
        (ENTRIES[1:], "entry 0"),
        ([*ENTRIES[:300], *ENTRIES[301:]], "entry 300: it is the leaf of entry 301"),
        (replaced(300, lambda _leaf: b"record 300"), "entry 300: leaf data"),
    ],
)  # fmt: skip
def test_entries_that_are_no_chain_are_found_though_the_log_key_signed_them(
    tmp_path: Path, entries: list[bytes], says: str
) -> None:
    written(published_files(entries, SIGNER), tmp_path)
    assert says in wrong(judged(tmp_path))
    assert judged(tmp_path, foreign=True).exit_code == 0, "the tree itself is right"


def test_the_next_audit_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    state = tmp_path / "state"
    at(300, tmp_path)
    assert judged(tmp_path, state=state).start == 0
    at(600, tmp_path)
    (tmp_path / "tile/entries/000").unlink()
    found = judged(tmp_path, state=state)
    assert (found.exit_code, found.start, found.size) == (0, 256, 600)
    assert judged(tmp_path, state=state).start == 512
    assert "tile/entries/000" in wrong(judged(tmp_path, state=state, full=True))


def test_a_log_that_goes_back_or_forks_is_noticed_with_both_checkpoints_as_proof(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    now = tmp_path / "now"
    at(600, now)
    assert judged(now, state=kept).exit_code == 0
    remembered = kept.read_bytes()
    seen = (now / "checkpoint").read_text()
    other = leaves(600, start_us=1_790_000_000_000_001)
    forked = "checkpoint_forked"
    cases = [
        (300, ENTRIES, "rolled_back"),
        (600, other, forked),
        (700, leaves(700, 5), forked),
    ]
    for size, entries, code in cases:
        at(size, now, entries)
        found = judged(now, state=kept)
        assert wrong(found).startswith(code)
        assert found.earlier == (seen,)
        assert found.checkpoint == (now / "checkpoint").read_text()
        assert set(found.lines()) >= {seen, found.checkpoint}
        assert kept.read_bytes() == remembered, "what was seen is not forgotten over it"
        (tmp_path / "note").write_text(seen)
        assert wrong(judged(now, since=seen.encode())).startswith(code), "a checkpoint kept by hand does the same"
    at(600, now)
    early = published_files(ENTRIES[:77], SIGNER)["checkpoint"]
    assert judged(now, since=early, state=kept).start == 0, "an older checkpoint takes a whole audit"
    assert "the earlier checkpoint" in wrong(judged(now, since=published_files(ENTRIES[:77], OTHER)["checkpoint"]))


def test_a_state_of_an_unsigned_past_does_not_count_once_there_is_a_key(tmp_path: Path) -> None:
    state = tmp_path / "state"
    written(published_files(ENTRIES[:300], OTHER), tmp_path)
    assert judged(tmp_path, Anchor(), state=state).exit_code == 2
    at(600, tmp_path)
    assert "the earlier checkpoint" in wrong(judged(tmp_path, state=state))


@pytest.mark.parametrize("data", [b"", b"{}", b'{"type":"trailseal-audit/1"}', b"\xff"])
def test_a_file_that_is_no_state_is_left_as_it_is(tmp_path: Path, data: bytes) -> None:
    at(3, tmp_path)
    (tmp_path / "state").write_bytes(data)
    with pytest.raises(ConfigError, match="state"):
        judged(tmp_path, state=tmp_path / "state")
    assert (tmp_path / "state").read_bytes() == data


def test_a_mark_that_was_tampered_with_ends_in_an_error_not_in_a_pass(tmp_path: Path) -> None:
    state = tmp_path / "state"
    at(600, tmp_path)
    assert judged(tmp_path, state=state).exit_code == 0
    for member, value in (("edges", [b64(bytes(64))]), ("leaf", b64(bytes(32))), ("size", 256)):
        kept = msgspec.json.decode(state.read_bytes())
        kept["mark"][member] = value
        (tmp_path / "tampered").write_bytes(msgspec.json.encode(kept))
        assert judged(tmp_path, state=tmp_path / "tampered").exit_code == 1


def test_a_policy_asks_for_its_quorum(tmp_path: Path) -> None:
    lines = f"log {SIGNER.verifier}\nwitness qa {QA.verifier}\nquorum qa\n"
    policy = Anchor(policy=Policy.parse(lines))
    at(300, tmp_path)
    assert "quorum qa is not met" in wrong(judged(tmp_path, policy))
    written(published_files(ENTRIES[:300], SIGNER, QA), tmp_path)
    assert judged(tmp_path, policy).exit_code == 0
    assert judged(tmp_path).exit_code == 0


def test_gzipped_bundles_are_read(tmp_path: Path) -> None:
    at(300, tmp_path)
    for name in ("tile/entries/000", "tile/entries/001.p/44"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    assert judged(tmp_path).exit_code == 0
    (tmp_path / "tile/entries/000").write_bytes(gzip.compress(bytes(1 << 25)))
    assert "tile/entries/000 is longer than" in wrong(judged(tmp_path))


def test_a_tree_of_three_levels_holds_and_memory_stays_at_one_open_tile_a_level(tmp_path: Path) -> None:
    entries = [b"record %d" % n for n in range(65_536 + 300)]
    written(published_files(entries, SIGNER), tmp_path)
    state = tmp_path / "state"
    found = judged(tmp_path, foreign=True, state=state)
    assert (found.exit_code, found.size) == (0, len(entries))
    kept = msgspec.json.decode(state.read_bytes())
    assert sum(map(len, kept["mark"]["edges"])) < 3 * 256 * 44
    damaged = bytearray((tmp_path / "tile/1/000").read_bytes())
    damaged[32 * 77] ^= 1
    (tmp_path / "tile/1/000").write_bytes(damaged)
    assert "tile/1/000: hash 77 is not that of entries 19712 to 19967" in wrong(judged(tmp_path, foreign=True))


def test_the_logs_of_tessera_and_sunlight_are_audited(tmp_path: Path) -> None:
    tessera = shared_path("vectors/tlog-tessera")
    anchor = Anchor(keys=(parse_verifier(TESSERA_KEY),))
    assert judged(tessera, anchor, foreign=True).exit_code == 0
    assert "not canonical" in wrong(judged(tessera, anchor)) or "leaf data" in wrong(judged(tessera, anchor))
    for size in range(16):
        since = (tessera / f"checkpoint.{size}").read_bytes()
        assert judged(tessera, anchor, foreign=True, since=since).exit_code == 0
    (mirror,) = shared_path("vectors/tlog-sunlight-mirror/witness/mirror").glob("0*")
    shutil.copytree(mirror, tmp_path / "mirror")
    mirror = tmp_path / "mirror"
    for bundle in bundles_for_size(300):  # its known entries: the mirror's files leave the bundles out
        texts = [b"record %d" % (bundle.n * 256 + place) for place in range(bundle.width)]
        written({bundle.path: encode_bundle(texts)}, mirror)
    origin = (mirror / "checkpoint").read_text().partition("\n")[0]
    cosigner = parse_verifier(MIRROR_KEY)
    found = judged(mirror, Anchor(keys=(cosigner,), origin=origin), foreign=True)
    assert (found.exit_code, found.size) == (0, 300), found.problems
    assert "signature_invalid" in wrong(judged(mirror, Anchor(keys=(cosigner,)), foreign=True))


@pytest.mark.parametrize(
    "place",
    [
        "ftp://plant.example/log",
        "file:///etc",
        "http://",
        "https://a.example/?x",
        "https://me:secret@a.example/",
        "/no",
    ],
)
def test_what_is_no_folder_and_no_http_address_is_refused(place: str) -> None:
    with pytest.raises(ConfigError) as refused, published(place):
        pass
    assert "secret" not in refused.value.message


def test_an_audit_passes_through_the_roots_that_the_log_had_before(tmp_path: Path) -> None:
    at(600, tmp_path)
    checkpoint = Checkpoint.parse(parse_note((tmp_path / "checkpoint").read_bytes()).text)
    roots = {size: root_of(map(leaf_hash, ENTRIES[:size])) for size in (0, 1, 255, 256, 257, 511, 512, 599, 600)}
    Audit(FolderTiles(tmp_path), checkpoint).run(roots)
    for size in roots:
        with pytest.raises(CheckpointForked, match=f"at size {size} "):
            Audit(FolderTiles(tmp_path), checkpoint).run(roots | {size: b"\x07" * 32})
    with pytest.raises(RolledBack, match="601"):
        Audit(FolderTiles(tmp_path), checkpoint).run({601: bytes(32)})
