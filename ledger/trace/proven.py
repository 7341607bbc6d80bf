"""Entries that are proven before they are handed out: level 1, again, in the snapshot that they are read in."""

from functools import lru_cache

import msgspec
from sqlalchemy import Connection

from ledger.core.checkpoint import open_checkpoint
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import ChainBroken, IntegrityError, InvalidEntry, NotFound
from ledger.core.hashing import b64, body_commitment, leaf_hash
from ledger.core.kinds import KindRegistry
from ledger.core.merkle import inclusion_proof, verify_inclusion
from ledger.core.tiles import TileReader
from ledger.store import checkpoints
from ledger.store.logs import LOG_CREATED
from ledger.store.reading import LogReader, StoredEntry
from ledger.trust.key_history import read_log_keys
from ledger.trust.kinds import KINDS

_SUBTREES = 8192
_KINDS = KindRegistry((LOG_CREATED, *KINDS))


class ProvenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry's exact bytes, with the proof that they stand in the log at the checkpoint's size."""

    index: int
    kind: str
    logged_us: int
    leaf: bytes
    leaf_hash: bytes
    salt: bytes
    body: bytes
    proof: tuple[bytes, ...]


class ProvenLog:
    """One log in one snapshot, as of its latest checkpoint; every entry read from it is proven against that.

    `created` is entry 0; `keys` are the log's keys at that size, of which those signed the checkpoint that had to.
    Raises NotFound before the first checkpoint, IntegrityError where the checkpoint does not hold.
    """

    def __init__(self, connection: Connection, log: int, origin: str, size: int | None = None) -> None:
        """`size`: as of the checkpoint of that size, not the latest."""
        self.connection = connection
        self.log = log
        self.origin = origin
        stored = checkpoints.latest(connection, log, size)
        if size is not None and stored.size != size:
            raise IntegrityError(f"the checkpoint of {origin} at size {size} is not there")
        self.note = stored.note
        self.size = stored.size
        self.reader = LogReader(connection, log)
        self._hashes = _Remembering(self.reader.hashes(stored.size))
        first = self._read(self.reader.entry(0))
        self.keys = read_log_keys(connection, _KINDS, log, stored.size)
        self.key = self.keys.at(stored.size)[0].vkey
        signed = open_checkpoint(self.note, origin, self.keys.verifiers)
        self.keys.check(stored.size, stored.size, signed.verified)
        if signed.checkpoint.size != stored.size:
            raise IntegrityError(f"the checkpoint stored for size {stored.size} is of {signed.checkpoint.size}")
        self.root = signed.checkpoint.root
        self.created = self._prove(first)

    def entry(self, index: int) -> ProvenEntry:
        """One entry, proven; raises NotFound beyond the checkpoint, IntegrityError (naming it) where it fails."""
        if not 0 <= index < self.size:
            raise NotFound(f"the checkpoint of {self.origin} at size {self.size} does not cover entry {index}")
        return self._prove(self._read(self.reader.entry(index)))

    def leaf_hashes(self, low: int, high: int) -> list[bytes]:
        """The leaf hashes of a range of entries, from the stored leaves."""
        return [leaf_hash(leaf) for _, leaf, _, _ in self.reader.rows(low, high)]

    def _read(self, stored: StoredEntry) -> ProvenEntry:
        if stored.body is None or stored.salt is None:
            raise IntegrityError(f"the body of entry {stored.index} is not there, and no entry says why")
        try:
            leaf = decode_leaf(stored.leaf)
        except InvalidEntry as error:
            raise ChainBroken(f"the leaf of entry {stored.index}: {error}") from None
        if leaf.index != stored.index:
            raise ChainBroken(f"entry {stored.index} holds the leaf of entry {leaf.index}")
        if b64(body_commitment(stored.salt, stored.body)) != leaf.body:
            raise ChainBroken(f"the body of entry {stored.index} is not the one that its leaf commits to")
        return ProvenEntry(
            index=stored.index,
            kind=leaf.kind,
            logged_us=parse_utc(leaf.logged_at),
            leaf=stored.leaf,
            leaf_hash=leaf_hash(stored.leaf),
            salt=stored.salt,
            body=stored.body,
            proof=(),
        )

    def _prove(self, entry: ProvenEntry) -> ProvenEntry:
        proof = inclusion_proof(entry.index, self.size, self._hashes)
        verify_inclusion(entry.index, self.size, entry.leaf_hash, proof, self.root)
        return msgspec.structs.replace(entry, proof=tuple(proof))


class _Remembering:
    """Keeps the roots of subtrees that neighbouring proofs share: a proof then costs a few hashes, not hundreds."""

    def __init__(self, reader: TileReader) -> None:
        self.subtree = lru_cache(maxsize=_SUBTREES)(reader.subtree)
