from hypothesis import given
from hypothesis import strategies as st

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import MalformedNote
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.note import NoteSigner, sign_note
from ledger.core.witnessing import AddCheckpoint, Answer, Cosign, Head, Refusal, judge
from tests.property.core.naive import consistency, leaves, root

ORIGIN = "log.example/a"
LOG, STRANGER = NoteSigner(ORIGIN, bytes(range(32))), NoteSigner(ORIGIN, bytes(range(1, 33)))
TRUNK = leaves(24)
BRANCHES = tuple([*TRUNK[:kept], *(leaves(99)[50 + kept : 74])] for kept in (24, 0, 1, 3, 4, 8, 15))
"""What the log shows: its one history, and histories that leave it at some size."""


@st.composite
def requests(draw: st.DrawFn) -> tuple[int, list[bytes], int, bool, bool]:
    """Old size, history, its size; whether the proof is changed; whether a trusted key signs."""
    size = draw(st.integers(0, 24))
    old = draw(st.one_of(st.integers(0, 26), st.just(-1)))
    return old, draw(st.sampled_from(BRANCHES)), size, draw(st.booleans()), draw(st.integers(0, 9)) > 0


def _expected(held: list[bytes], old: int, history: list[bytes], size: int, proof: list[bytes], signed: bool) -> int:
    """The table of the specification over whole lists of leaves, where a witness has hashes alone."""
    if not signed:
        return 403
    if old > size:
        return 400
    if old != len(held):
        return 409
    right = consistency(old, history[:size]) if old > 0 else []
    return 200 if history[:old] == held and proof == right else 422


@given(st.lists(requests(), min_size=1, max_size=12))
def test_a_witness_decides_as_one_that_keeps_every_leaf(asked: list[tuple[int, list[bytes], int, bool, bool]]) -> None:
    held: list[bytes] = []
    last = Head(size=0, root=EMPTY_ROOT)
    for given_old, history, size, change, signed in asked:
        old = len(held) if given_old < 0 else given_old
        proof = consistency(old, history[:size]) if 0 < old <= size else []
        if change:
            proof = [*proof[:-1], bytes(32)]
        head = Checkpoint(origin=ORIGIN, size=size, root=root(history[:size]))
        note = sign_note(head.text(), [LOG if signed else STRANGER])
        request = AddCheckpoint.parse(AddCheckpoint(old=old, proof=tuple(proof), note=note).encode())
        outcome = judge(request, (LOG.verifier,), last)
        expected = _expected(held, old, history, size, proof, signed)
        if isinstance(outcome, Refusal):
            assert (outcome.status, outcome.size) == (expected, len(held) if expected == 409 else None)
            assert outcome.forked <= (size == len(held) and history[:size] != held)
            assert Answer.of_refusal(outcome).status == expected
            continue
        assert isinstance(outcome, Cosign)
        assert expected == 200
        assert outcome.head.size >= last.size
        held, last = history[:size], outcome.head
        assert last.root == root(held)


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(0, 255))
def test_bytes_are_a_request_only_in_their_one_spelling(noise: bytes, place: int, byte: int) -> None:
    head = Checkpoint(origin=ORIGIN, size=5, root=root(TRUNK[:5]))
    right = AddCheckpoint(old=3, proof=tuple(consistency(3, TRUNK[:5])), note=sign_note(head.text(), [LOG])).encode()
    changed = right[:place] + bytes([byte]) + right[place + 1 :]
    for data in (noise, changed, right):
        try:
            request = AddCheckpoint.parse(data)
        except MalformedNote:
            continue
        assert request.encode() == data
