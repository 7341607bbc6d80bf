"""A log published at one size after the other, for tests of what stands outside a ledger."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import utc_text
from ledger.core.cosignature import CosignatureSigner
from ledger.core.entry import Draft, encode_leaf
from ledger.core.hashing import b64, leaf_hash
from ledger.core.merkle import root_of
from ledger.core.note import Note, NoteSigner
from ledger.core.tiles import TILE_WIDTH, bundles_for_size, encode_bundle, tiles_for_size
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from ledger.sources.prepare import Preparer
from ledger.store import checkpoints
from ledger.store.append import Batch
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import LogCreated
from ledger.trust.export import Exported, export_tiles
from tests.bench.corpus import submissions
from tests.oracle.note import VerifierKey
from tests.support.ledgers import put_schema

AUTHORITY = Authority(actor="local:tester", authenticated=False)


class Log:
    """A log that so far holds the entry of its creation only, and is published at one size after the other."""

    def __init__(self, folder: Path, publish_tiles: bool = False) -> None:
        chosen = Settings(origin="plant.example/ledger", publish_tiles=publish_tiles)
        put_schema(folder, chosen)
        made = create(folder, chosen, AUTHORITY)
        self.id = LogId(number=2, name="line", origin="plant.example/ledger/line")
        made.keys.create_log_keys(self.id.name)
        self.vkey = str(made.keys.log_signer(self.id.name, self.id.origin).verifier)
        made.store.create_log(LogCreated(number=2, name="line", origin=self.id.origin, key=self.vkey, product="test"))
        made.close()
        self.service = Service(folder)
        self._prepare = Preparer("bench", frozenset(), self.service.keys.digests()).prepare

    @property
    def keys(self) -> list[VerifierKey]:
        return [VerifierKey.parse(self.vkey)]

    def grow(self, size: int) -> StoredCheckpoint:
        """Appends records until the log has this size, by large transactions, and publishes it."""
        with self.service.store.reader(self.id.number) as reader:
            there = reader.head().size
        drafts: list[Draft] = []
        for one in submissions(size - 1):
            made = self._prepare(one)
            assert isinstance(made, Draft)
            drafts.append(made)
        for at in range(there, size, 2_000):
            self.service.store.append(self.id.number, Batch(drafts[at - 1 : min(size, at + 2_000) - 1]))
        stored = self.service.publisher.publish(self.id)
        assert stored.size == size
        return stored

    def published(self, size: int) -> StoredCheckpoint:
        """The checkpoint that was published at this size."""
        with self.service.store.reading() as connection:
            found = checkpoints.latest(connection, self.id.number, at_most=size)
        assert found.size == size
        return found

    def export(self, stored: StoredCheckpoint, out: Path, whole: bool = False) -> Exported:
        return export_tiles(self.service.store, self.id, stored, out, lambda _done, _total: None, whole=whole)

    def leaves(self) -> list[bytes]:
        with self.service.store.reader(self.id.number) as reader:
            return [entry.leaf for entry in reader.entries(0, reader.head().size)]


@contextmanager
def log(folder: Path, publish_tiles: bool = False) -> Iterator[Log]:
    made = Log(folder, publish_tiles)
    try:
        yield made
    finally:
        made.service.close()


def leaves(count: int, start_us: int = 1_790_000_000_000_000) -> list[bytes]:
    """The leaf data of a log of that many entries, made by hand: the chain holds, no body is behind it."""
    made: list[bytes] = []
    prev = bytes(32)
    for index in range(count):
        kind = "record" if index else "log-created"
        logged_at = utc_text(start_us + index)
        made.append(encode_leaf(b64(sha256(b"%d" % index).digest()), index, kind, logged_at, b64(prev)))
        prev = leaf_hash(made[-1])
    return made


def published_files(entries: Sequence[bytes], signer: NoteSigner, *cosigners: CosignatureSigner) -> dict[str, bytes]:
    """The files of a log of these entries: whatever they are, bundles, tiles, root and signatures fit each other."""
    hashes = [leaf_hash(entry) for entry in entries]
    found: dict[str, bytes] = {}
    for bundle in bundles_for_size(len(entries)):
        first = bundle.n * TILE_WIDTH
        found[bundle.path] = encode_bundle(entries[first : first + bundle.width])
    levels = [hashes]
    while len(levels[-1]) >= TILE_WIDTH:
        below = levels[-1]
        full = range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH)
        levels.append([root_of(below[at : at + TILE_WIDTH]) for at in full])
    for tile in tiles_for_size(len(entries)):
        first = tile.n * TILE_WIDTH
        found[tile.path] = b"".join(levels[tile.level][first : first + tile.width])
    head = Checkpoint(origin=signer.verifier.name, size=len(entries), root=root_of(hashes))
    lines = (cosigner.sign(head, 1_790_000_000) for cosigner in cosigners)
    note = Note(text=head.text(), signatures=(signer.sign(head.text()), *lines))
    return found | {"checkpoint": note.encode()}


def written(found: Mapping[str, bytes], folder: Path) -> Path:
    """A folder that holds these files, and what else it held before."""
    for name, content in found.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
