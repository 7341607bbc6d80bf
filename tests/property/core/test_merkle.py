import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import ProofInvalid
from ledger.core.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.property.core.naive import NaiveReader, consistency, leaves, path, root

LEAVES = leaves(300)
ROOTS = [root(LEAVES[:size]) for size in range(301)]
READER = NaiveReader(LEAVES)

sizes = st.integers(1, 300)


@st.composite
def size_and_index(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return size, draw(st.integers(0, size - 1))


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    new = draw(sizes)
    return draw(st.integers(1, new)), new


def test_the_frontier_gives_the_defined_root_at_every_size() -> None:
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert (frontier.size, frontier.root()) == (size, ROOTS[size])
        assert Frontier(frontier.size, frontier.hashes).root() == ROOTS[size]
        frontier.append(leaf)
    assert frontier.root() == ROOTS[300] == root_of(LEAVES)


@given(st.lists(st.integers(0, 60), max_size=8))
def test_extending_in_pieces_gives_the_same_tree(pieces: list[int]) -> None:
    frontier, size = Frontier(), 0
    for piece in pieces:
        piece = min(piece, 300 - size)
        frontier.extend(LEAVES[size : size + piece])
        size += piece
    assert (frontier.size, frontier.root()) == (size, ROOTS[size])


def test_every_inclusion_proof_is_the_defined_one_and_holds() -> None:
    for size in [*range(1, 40), 63, 64, 65, 127, 128, 129, 255, 256, 257, 299, 300]:
        for index in {*range(min(size, 6)), size // 2, size - 2, size - 1} - {-1}:
            proof = inclusion_proof(index, size, READER)
            assert proof == path(index, LEAVES[:size])
            verify_inclusion(index, size, LEAVES[index], proof, ROOTS[size])


def test_every_consistency_proof_is_the_defined_one_and_holds() -> None:
    for new in [*range(1, 34), 64, 65, 127, 200, 256, 257, 300]:
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, READER)
            assert proof == consistency(old, LEAVES[:new])
            verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def _mutations(proof: list[bytes], place: int, bit: int) -> list[list[bytes]]:
    """Proofs that differ from this one: a hash flipped, dropped, doubled, cut or longer, or two exchanged."""
    extra = [[*proof, LEAVES[0]], [LEAVES[0], *proof], [*proof, b""]]
    if not proof:
        return extra
    place %= len(proof)
    flipped = bytearray(proof[place])
    flipped[bit // 8] ^= 1 << bit % 8
    before, after = proof[:place], proof[place + 1 :]
    changed = [
        [*before, bytes(flipped), *after],
        [*before, *after],
        [*before, proof[place], proof[place], *after],
        [*before, proof[place][:31], *after],
        [*before, proof[place] + b"\x00", *after],
        [*after, *before, proof[place]],
        proof[::-1],
    ]
    return extra + [mutated for mutated in changed if mutated != proof]


@given(size_and_index(), st.integers(0, 20), st.integers(0, 255))
def test_no_mutation_of_an_inclusion_proof_is_accepted(case: tuple[int, int], place: int, bit: int) -> None:
    size, index = case
    proof = inclusion_proof(index, size, READER)
    for mutated in _mutations(proof, place, bit):
        with pytest.raises(ProofInvalid):
            verify_inclusion(index, size, LEAVES[index], mutated, ROOTS[size])
    for wrong in (
        (index, size, LEAVES[(index + 1) % 300], proof, ROOTS[size]),
        (index, size, LEAVES[index], proof, LEAVES[299]),
        (index, size, LEAVES[index], proof, b""),
        (index, size, b"", proof, ROOTS[size]),
        (size, size, LEAVES[index], proof, ROOTS[size]),
        (-1, size, LEAVES[index], proof, ROOTS[size]),
        (index, 0, LEAVES[index], proof, ROOTS[size]),
    ):
        with pytest.raises(ProofInvalid):
            verify_inclusion(*wrong)


@given(size_and_index(), st.integers(0, 299))
def test_an_inclusion_proof_holds_for_no_other_leaf_index(case: tuple[int, int], other: int) -> None:
    size, index = case
    proof = inclusion_proof(index, size, READER)
    if other != index and other < size:
        with pytest.raises(ProofInvalid):
            verify_inclusion(other, size, LEAVES[index], proof, ROOTS[size])


@given(two_sizes(), st.integers(0, 20), st.integers(0, 255))
def test_no_mutation_of_a_consistency_proof_is_accepted(case: tuple[int, int], place: int, bit: int) -> None:
    old, new = case
    proof = consistency_proof(old, new, READER)
    for mutated in _mutations(proof, place, bit):
        with pytest.raises(ProofInvalid):
            verify_consistency(old, new, ROOTS[old], ROOTS[new], mutated)
    for wrong in (
        (old, new, LEAVES[299], ROOTS[new], proof),
        (old, new, ROOTS[old], LEAVES[299], proof),
        (0, new, ROOTS[0], ROOTS[new], proof),
        (new + 1, new, ROOTS[old], ROOTS[new], proof),
        (old, new, b"", ROOTS[new], proof),
    ):
        with pytest.raises(ProofInvalid):
            verify_consistency(*wrong)


@given(two_sizes())
def test_two_trees_that_differ_in_an_old_leaf_have_no_consistency_proof(case: tuple[int, int]) -> None:
    old, new = case
    forged = root([LEAVES[299 - old], *LEAVES[1:old]])
    proof = consistency_proof(old, new, READER)
    if forged != ROOTS[old]:
        with pytest.raises(ProofInvalid):
            verify_consistency(old, new, forged, ROOTS[new], proof)
