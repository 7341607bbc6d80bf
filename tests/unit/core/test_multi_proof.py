"""One proof for many leaves agrees with the proofs of the single ones, and holds for nothing else."""

from hashlib import sha256
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.errors import ProofInvalid
from ledger.core.merkle import inclusion_proof, root_of
from ledger.core.multi_proof import MultiProof, MultiProofMaker
from tests.oracle import merkle as oracle

LEAVES = [sha256(bytes([number])).digest() for number in range(200)]


class Tree:
    def __init__(self, size: int) -> None:
        self.hashes = LEAVES[:size]

    def subtree(self, level: int, index: int) -> bytes:
        return root_of(self.hashes[index << level : (index + 1) << level])


def made(size: int, chosen: list[int]) -> list[bytes]:
    tree, hashes = Tree(size), list[bytes]()
    maker = MultiProofMaker(size, hashes.append)
    for index in chosen:
        maker.leaf(index, LEAVES[index], inclusion_proof(index, size, tree))
    assert maker.root() == root_of(tree.hashes)
    return hashes


def checked(size: int, leaves: list[tuple[int, bytes]], hashes: list[bytes]) -> bytes:
    proof = MultiProof(size, iter(hashes))
    for index, leaf in leaves:
        proof.leaf(index, leaf)
    return proof.root()


def test_every_choice_of_leaves_of_small_trees_leads_to_the_root() -> None:
    for size in range(1, 9):
        root = oracle.root_of(LEAVES[:size])
        for count in range(1, size + 1):
            for chosen in map(list, combinations(range(size), count)):
                hashes = made(size, chosen)
                assert checked(size, [(at, LEAVES[at]) for at in chosen], hashes) == root
        assert made(size, list(range(size))) == []


@given(
    st.integers(1, 200).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), min_size=1)))
)
def test_it_has_no_hash_that_the_single_proofs_lack_and_none_that_the_leaves_give(
    case: tuple[int, set[int]],
) -> None:
    size, chosen = case[0], sorted(case[1])
    hashes = made(size, chosen)
    single = [inclusion_proof(index, size, Tree(size)) for index in chosen]
    assert set(hashes) <= {one for proof in single for one in proof}
    assert len(hashes) == len(set(hashes)) <= sum(map(len, single))
    if len(chosen) == 1:
        assert sorted(hashes) == sorted(single[0])
    # Whatever is left out can be computed: one hash less, or one that is another, is never enough.
    leaves = [(at, LEAVES[at]) for at in chosen]
    root = checked(size, leaves, hashes)
    for at in range(min(len(hashes), 5)):
        with pytest.raises(ProofInvalid):
            checked(size, leaves, hashes[:at] + hashes[at + 1 :])
        assert checked(size, leaves, [*hashes[:at], bytes(32), *hashes[at + 1 :]]) != root


def _leads(size: int, leaves: list[tuple[int, bytes]], hashes: list[bytes], root: bytes) -> bool:
    try:
        return checked(size, leaves, hashes) == root
    except ProofInvalid:
        return False


def test_what_was_changed_moved_left_out_or_added_is_found() -> None:
    size, chosen = 13, [1, 4, 5, 12]
    hashes = made(size, chosen)
    leaves = [(at, LEAVES[at]) for at in chosen]
    root = root_of(LEAVES[:size])
    assert checked(size, leaves, hashes) == root
    for at in range(len(leaves)):
        other = [*leaves[:at], (leaves[at][0], bytes(32)), *leaves[at + 1 :]]
        assert checked(size, other, hashes) != root
        assert not _leads(size, leaves[:at] + leaves[at + 1 :], hashes, root)
    swapped = [(1, LEAVES[4]), (4, LEAVES[1]), *leaves[2:]]
    assert checked(size, swapped, hashes) != root
    for wrong in (leaves[::-1], [*leaves, leaves[-1]], [*leaves, (13, LEAVES[13])], [(0, b"short")], []):
        with pytest.raises(ProofInvalid):
            checked(size, wrong, hashes)
    for short in (hashes[:-1], [*hashes, bytes(32)], [*hashes[:-1], b"short"]):
        with pytest.raises(ProofInvalid):
            checked(size, leaves, short)


def test_a_maker_is_not_fooled_by_an_inclusion_proof_that_is_too_short() -> None:
    maker = MultiProofMaker(8, lambda found: None)
    proof = inclusion_proof(7, 8, Tree(8))
    with pytest.raises(ProofInvalid):
        maker.leaf(7, LEAVES[7], proof[:-1])


@pytest.mark.parametrize("first", [0, 1])
def test_a_leaf_of_another_tree_cannot_be_put_before_those_that_lead_to_the_root(first: int) -> None:
    """A second walk over the tree would forget the first; so a leaf comes once, and after those before it."""
    proof = MultiProof(2, iter([bytes(32)] * 2))
    proof.leaf(first, bytes(32))
    if first == 0:
        proof.leaf(1, bytes(32))
    with pytest.raises(ProofInvalid, match="does not come after"):
        proof.leaf(0, LEAVES[0])
