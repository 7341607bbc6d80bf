"""Offline proof bundles (C2SP tlog-proof)."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.oracle.errors import NotVerified
from tests.oracle.merkle import check_inclusion, leaf_hash
from tests.oracle.note import COSIGNATURE, ED25519, Checkpoint, VerifierKey, decimal, open_checkpoint, strict_base64

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_MOST_HASHES = 63


@dataclass(frozen=True, kw_only=True)
class ProofBundle:
    """What a `.tlog-proof` file says, not yet checked; `extra` is never authenticated."""

    index: int
    extra: bytes | None
    hashes: tuple[bytes, ...]
    checkpoint: bytes


def parse_proof(data: bytes) -> ProofBundle:
    """Reads the file strictly; raises NotVerified naming the line at fault."""
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise NotVerified("proof bundle", "is not ASCII before its checkpoint") from error
    if not blank or lines.pop(0) != _FIRST_LINE:
        raise NotVerified("proof bundle", f"does not start with {_FIRST_LINE}, or has no checkpoint")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = strict_base64(lines.pop(0).removeprefix("extra "), "proof bundle, extra")
    if not lines or not lines[0].startswith("index "):
        raise NotVerified("proof bundle", "has no index")
    index = decimal(lines.pop(0).removeprefix("index "), "proof bundle, index")
    hashes = tuple(strict_base64(line, "proof bundle, hash") for line in lines)
    if len(hashes) > _MOST_HASHES or any(len(hash_) != 32 for hash_ in hashes):
        raise NotVerified("proof bundle", "has too many hashes, or one that is not 32 bytes long")
    return ProofBundle(index=index, extra=extra, hashes=hashes, checkpoint=checkpoint)


def check_proof(
    data: bytes, entry: bytes, keys: Sequence[VerifierKey], origin: str | None = None, quorum: int = 0
) -> Checkpoint:
    """Holds, or raises NotVerified: the entry is in the log, by a checkpoint that a log key signed and at least
    `quorum` of the witness keys cosigned."""
    bundle = parse_proof(data)
    checkpoint = open_checkpoint(bundle.checkpoint, keys, origin)
    kinds = [(signature.key.kind, signature.key.name) for signature in checkpoint.signatures]
    if (ED25519, checkpoint.origin) not in kinds:
        raise NotVerified("checkpoint", "is not signed by the log itself")
    witnesses = {name for kind, name in kinds if kind == COSIGNATURE}
    if len(witnesses) < quorum:
        raise NotVerified("checkpoint", f"is cosigned by {len(witnesses)} of the witnesses, {quorum} are needed")
    check_inclusion(bundle.index, checkpoint.size, leaf_hash(entry), bundle.hashes, checkpoint.root)
    return checkpoint
