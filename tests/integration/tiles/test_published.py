"""Anybody can audit a published log: with a client of their own, from a folder or over HTTP, at every size."""

import itertools
import os
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import parse_verifier
from ledger.core.errors import CheckpointForked, RolledBack
from ledger.core.note import sign_note
from ledger.core.published_keys import KEY_LIFE
from ledger.trust.auditing import WRONG, Anchor, Auditor
from ledger.trust.published import FolderTiles
from tests.oracle.audit import audit
from tests.oracle.errors import NotVerified
from tests.oracle.merkle import check_consistency, check_inclusion, leaf_hash, root_of
from tests.oracle.registry_client import audit_folder
from tests.oracle.source import Folder, Http
from tests.support.application import app_of
from tests.support.published import Log, files, log

SEED = int(os.environ.get("TRAILSEAL_SEED", "20261125"))
SOAK = "TRAILSEAL_SOAK" in os.environ
SIZES = (1, 2, 255, 256, 257, 512, 700)
THIRD_LEVEL = 65_600
"""Entries of a log that has a full tile of level 1, and more."""


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, dict[int, Path]]]:
    """A log with checkpoints of all sizes, each exported to a folder of its own when it was the latest."""
    folder = tmp_path_factory.mktemp("tiles")
    with log(folder / "ledger") as made:
        exported = {}
        for size in SIZES:
            exported[size] = folder / str(size)
            made.export(made.grow(size), exported[size])
        yield made, exported


@pytest.mark.parametrize("size", SIZES)
def test_an_exported_log_is_verified_by_two_clients_that_share_nothing_with_it(
    grown: tuple[Log, dict[int, Path]], size: int
) -> None:
    made, exported = grown
    checkpoint = audit(Folder(exported[size]), made.keys)
    assert (checkpoint.size, checkpoint.origin) == (size, made.id.origin)
    assert checkpoint.root == root_of([leaf_hash(leaf) for leaf in made.leaves()[:size]])
    assert audit_folder(exported[size], made.vkey) == size


def test_a_later_export_into_the_same_folder_adds_what_is_new_and_the_whole_still_verifies(
    grown: tuple[Log, dict[int, Path]], tmp_path: Path
) -> None:
    made, exported = grown
    for earlier, later in itertools.pairwise(SIZES):
        out = tmp_path / str(later)
        shutil.copytree(exported[earlier], out)
        before, fresh = files(out), files(exported[later])
        done = made.export(made.published(later), out)
        after = files(out)
        assert (done.files, done.mended) == (len(fresh.keys() - before.keys()) + 1, 0)  # the checkpoint is replaced
        replaced = {name for name in before if ".p/" in name and name.partition(".p/")[0] in fresh}
        assert after == {name: data for name, data in before.items() if name not in replaced} | fresh
        assert audit(Folder(out), made.keys).size == later
        assert audit_folder(out, made.vkey) == later
        assert made.export(made.published(later), out).files == 0


def test_an_export_over_a_newer_or_another_past_is_refused_and_touches_nothing(
    grown: tuple[Log, dict[int, Path]], tmp_path: Path
) -> None:
    made, exported = grown
    out = tmp_path / "out"
    shutil.copytree(exported[257], out)
    there = files(out)
    with pytest.raises(RolledBack, match="257"):
        made.export(made.published(255), out)
    assert files(out) == there
    forked = Checkpoint(origin=made.id.origin, size=257, root=b"\x07" * 32).text()
    note = sign_note(forked, [made.service.keys.log_signer(made.id.name, made.id.origin)])
    (out / "checkpoint").write_bytes(note)
    with pytest.raises(CheckpointForked):
        made.export(made.published(700), out)
    assert files(out) == there | {"checkpoint": note}


def test_any_flipped_byte_of_an_exported_log_is_found(grown: tuple[Log, dict[int, Path]], tmp_path: Path) -> None:
    made, exported = grown
    dice = random.Random(SEED)
    anchor = Anchor(keys=(parse_verifier(made.vkey),))
    out = tmp_path / "out"
    shutil.copytree(exported[257], out)
    for name, content in files(out).items():
        most = len(content) if name == "checkpoint" else 200 if SOAK else 12
        at_all = dice.sample(range(len(content)), min(len(content), most))
        for at in at_all:
            # What is told of the keys is of no tlog-tiles client but ours.
            altered = bytearray(content)
            altered[at] ^= 1 << dice.randrange(8)
            (out / name).write_bytes(altered)
            if name == KEY_LIFE:
                assert Auditor(FolderTiles(out), anchor).verdict().exit_code == WRONG
                continue
            with pytest.raises(NotVerified):
                audit(Folder(out), made.keys)
        (out / name).write_bytes(content)
    assert audit(Folder(out), made.keys).size == 257


def test_every_proof_of_a_log_is_verified_by_a_client_of_its_own(grown: tuple[Log, dict[int, Path]]) -> None:
    made, _ = grown
    dice = random.Random(SEED)
    hashes = [leaf_hash(leaf) for leaf in made.leaves()]
    sizes = sorted({*SIZES, *range(1, 9), *dice.sample(range(1, len(hashes) + 1), 200 if SOAK else 25)})
    roots = {size: root_of(hashes[:size]) for size in sizes}
    with made.service.store.reader(made.id.number) as reader:
        for size in sizes:
            assert reader.root(size) == roots[size]
            for index in {0, size - 1, size // 2, *(dice.randrange(size) for _ in range(8))}:
                proof = reader.inclusion(index, size)
                check_inclusion(index, size, hashes[index], proof, roots[size])
                with pytest.raises(NotVerified):
                    check_inclusion(index, size, leaf_hash(b"another"), proof, roots[size])
            for old in sizes[: sizes.index(size) + 1]:
                check_consistency(old, size, roots[old], roots[size], reader.consistency(old, size))


def test_a_large_log_is_verified(tmp_path: Path) -> None:
    """In the long form one that has a third level of tiles."""
    size = THIRD_LEVEL if SOAK else 2_100
    with log(tmp_path / "ledger") as made:
        made.export(made.grow(size), tmp_path / "out")
        assert audit(Folder(tmp_path / "out"), made.keys).size == size
        assert (tmp_path / "out" / "tile" / "2").exists() == SOAK
        hashes = [leaf_hash(leaf) for leaf in made.leaves()]
        root = root_of(hashes)
        with made.service.store.reader(made.id.number) as reader:
            for index in random.Random(SEED).sample(range(size), 50):
                check_inclusion(index, size, hashes[index], reader.inclusion(index, size), root)


@contextmanager
def serving(made: Log) -> Iterator[str]:
    """The service's HTTP interface on a free port of loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app_of(made.service), log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/logs/{made.id.name}"
    finally:
        server.should_exit = True
        thread.join()


def test_what_the_service_serves_is_what_it_exports_and_is_verified_over_http(tmp_path: Path) -> None:
    with log(tmp_path / "ledger", publish_tiles=True) as made:
        stored = made.grow(600)
        made.export(stored, tmp_path / "out")
        exported = files(tmp_path / "out")
        with serving(made) as prefix:
            checkpoint = audit(Http(prefix), made.keys)
            served = {name: Http(prefix).read(name) for name in exported}
            unimplied = [Http(prefix).read(f"tile/0/002.p/{width}") for width in (40, 89)]
        assert (checkpoint.size, checkpoint.origin) == (600, made.id.origin)
        assert served == exported
        assert len(exported) == 2 + 3 + 3 + 1  # checkpoint and keys, bundles, tiles of level 0 and of level 1
        assert unimplied == [None, None], "a tile that no checkpoint implies is served"
