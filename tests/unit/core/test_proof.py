import json

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import LedgerError, MalformedNote, ProofInvalid, SignatureInvalid
from ledger.core.hashing import leaf_hash, node_hash
from ledger.core.note import NoteSigner, sign_note
from ledger.core.policy import Policy
from ledger.core.proof import TlogProof
from tests.shared import shared_path

LOG = NoteSigner("log.example/a", bytes(32))
POLICY = Policy.of_log_keys([LOG.verifier])
LEAVES = (leaf_hash(b"zero"), leaf_hash(b"one"))
HEAD = Checkpoint(origin="log.example/a", size=2, root=node_hash(*LEAVES))
NOTE = sign_note(HEAD.text(), [LOG])
PROOF = TlogProof(index=1, hashes=(LEAVES[0],), checkpoint=NOTE, extra=b"one")


def test_a_proof_gives_back_its_bytes() -> None:
    for proof in (PROOF, TlogProof(index=0, hashes=(), checkpoint=NOTE), TlogProof.parse(PROOF.encode())):
        assert TlogProof.parse(proof.encode()) == proof


def test_a_proof_holds_for_its_leaf_alone() -> None:
    assert PROOF.verify(LEAVES[1], POLICY).checkpoint == HEAD
    with pytest.raises(ProofInvalid):
        PROOF.verify(LEAVES[0], POLICY)
    with pytest.raises(SignatureInvalid):
        PROOF.verify(LEAVES[1], Policy.of_log_keys([NoteSigner("log.example/a", bytes([1]) * 32).verifier]))


def test_published_bad_proofs_are_refused_for_their_own_fault() -> None:
    bad = json.loads(shared_path("vectors/notes/formats-cases.json").read_bytes())["tlog_proof_bad"]
    assert len(bad) == 7
    for text in bad:
        with pytest.raises(MalformedNote):
            TlogProof.parse(text.encode())
        # Their last part is no note at all: with a good one they have to fail as well.
        with pytest.raises(MalformedNote):
            TlogProof.parse(text.replace("checkpoint\n", "").encode() + NOTE)


@pytest.mark.parametrize(
    "head",
    [
        "c2sp.org/tlog-proof@v2\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nindex 00\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0 \n\n",
        "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra QQ==\n\n",
        "c2sp.org/tlog-proof@v1\nextra QQ==\nextra QQ==\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\nextra QR==\nindex 0\n\n",
        "c2sp.org/tlog-proof@v1\r\nindex 0\r\n\r\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nQQ==\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n" + "A" * 43 + "=\n" * 1 + ("A" * 43 + "=\n") * 63 + "\n",
        "c2sp.org/tlog-proof@v1\nindex \u0660\n\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
    ],
)
def test_a_proof_outside_the_format_is_refused(head: str) -> None:
    with pytest.raises(MalformedNote):
        TlogProof.parse(head.encode() + NOTE)


def test_no_single_changed_byte_leaves_a_valid_proof() -> None:
    data = TlogProof(index=1, hashes=(LEAVES[0],), checkpoint=NOTE).encode()
    for place in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            changed = bytearray(data)
            changed[place] ^= mask
            with pytest.raises(LedgerError):
                TlogProof.parse(bytes(changed)).verify(LEAVES[1], POLICY)
