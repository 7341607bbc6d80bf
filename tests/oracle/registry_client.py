"""The same audit by a C2SP client that strangers wrote (tlog-scales, from the package registry)."""

from pathlib import Path

from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tiles import leaf_hash


def audit_folder(folder: Path, vkey: str) -> int:
    """The number of entries, once the checkpoint's signature, the root and each entry's inclusion hold; raises
    whatever that client raises otherwise."""
    reader = TilesReader(LocalBackend(folder))
    checkpoint = reader.get_checkpoint()
    checkpoint.verify(Vkey.from_string(vkey))
    if reader.calculate_root_hash() != checkpoint.root_hash:
        raise ValueError("the tiles have another root than the checkpoint")
    for index in range(checkpoint.size):
        proof = reader.get_inclusion_proof(index, checkpoint.size)
        proof.check(leaf_hash(reader.get_entry(index)), checkpoint.root_hash)
    return checkpoint.size
