"""A log as its witness sees it, and a witness's folder, for tests."""

from hashlib import sha256
from pathlib import Path

from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.note import NoteSigner, Verifier, sign_note
from ledger.core.witnessing import AddCheckpoint, Head
from ledger.trust.witness.folder import Settings, WitnessFolder
from ledger.trust.witness.statement import Statement
from tests.property.core.naive import consistency, root

STATEMENT = Statement(operator="Quality Assurance", administrator="QA systems", host="qa-1")
NAME = "witness.example/qa"
NEW = Head(size=0, root=EMPTY_ROOT)


class ShownLog:
    """A log of any size, with a key, that can show any number of histories: `fork` (size, name) leaves the true one."""

    def __init__(self, origin: str = "log.example/a", secret: bytes = b"log key") -> None:
        self.origin = origin
        self.signer = NoteSigner(origin, sha256(secret).digest())

    def leaves(self, size: int, fork: tuple[int, str] | None = None) -> list[bytes]:
        kept, name = fork or (size, "")
        return [sha256(f"{index} {name if index >= kept else ''}".encode()).digest() for index in range(size)]

    def head(self, size: int, fork: tuple[int, str] | None = None) -> Head:
        return Head(size=size, root=root(self.leaves(size, fork)))

    def checkpoint(self, size: int, fork: tuple[int, str] | None = None) -> Checkpoint:
        return Checkpoint(origin=self.origin, size=size, root=self.head(size, fork).root)

    def note(self, size: int, *signers: NoteSigner, fork: tuple[int, str] | None = None) -> bytes:
        return sign_note(self.checkpoint(size, fork).text(), signers or (self.signer,))

    def request(self, old: int, size: int, *signers: NoteSigner, fork: tuple[int, str] | None = None) -> AddCheckpoint:
        """With the proof that this history has from `old`, where there is one."""
        proof = tuple(consistency(old, self.leaves(size, fork))) if 0 < old <= size else ()
        return AddCheckpoint(old=old, proof=proof, note=self.note(size, *signers, fork=fork))


def made_witness(
    folder: Path, *logs: ShownLog, at: int = 0, post_quantum: bool = False, at_once: int = 16, refusals: int = 0
) -> WitnessFolder:
    """A new witness that knows these logs at one size."""
    settings = Settings(name=NAME, statement=STATEMENT, at_once=at_once, refusals_a_minute=refusals)
    witness = WitnessFolder.create(folder, settings, post_quantum=post_quantum)
    for log in logs:
        witness.states.add(log.origin, [log.signer.verifier], log.head(at))
    return witness


def own_keys(witness: WitnessFolder) -> list[Verifier]:
    return [signer.verifier for signer in witness.signers]
