import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.errors import ProofInvalid
from ledger.core.hashing import EMPTY_ROOT, leaf_hash, unb64
from ledger.core.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.shared import shared_path


def _cases(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    cases = json.loads(shared_path(f"vectors/merkle/{kind}.json").read_bytes())
    assert len(cases) == 98
    yield from cases.items()


def _hash(text: str | None) -> bytes:
    return unb64(text or "")


def _proof(case: dict[str, Any]) -> list[bytes]:
    return [unb64(item) for item in case["proof"] or []]


def test_every_published_inclusion_case_is_decided_as_published() -> None:
    for name, case in _cases("inclusion"):
        arguments = (
            case["leafIdx"],
            case["treeSize"],
            _hash(case["leafHash"]),
            _proof(case),
            _hash(case["root"]),
        )
        try:
            verify_inclusion(*arguments)
        except ProofInvalid:
            assert case["wantErr"], name
        else:
            assert not case["wantErr"], name


def test_every_published_consistency_case_is_decided_as_published() -> None:
    for name, case in _cases("consistency"):
        roots = _hash(case["root1"]), _hash(case["root2"])
        try:
            verify_consistency(case["size1"], case["size2"], *roots, _proof(case))
        except ProofInvalid:
            assert case["wantErr"], name
        else:
            assert not case["wantErr"], name


def test_the_published_tree_of_eight_leaves_is_ours() -> None:
    tree = json.loads(shared_path("vectors/tlog/rfc6962-8leaves.json").read_bytes())
    hashes = [leaf_hash(bytes.fromhex(text)) for text in tree["leaf_inputs_hex"]]
    assert [item.hex() for item in hashes] == tree["level0"]
    for level in range(4):
        width = 1 << level
        ours = [root_of(hashes[start : start + width]).hex() for start in range(0, 8, width)]
        assert ours == tree[f"level{level}"]
    assert [root_of(hashes[:size]).hex() for size in range(9)] == tree["roots_by_size"]


def test_the_empty_tree_has_the_defined_root() -> None:
    assert Frontier().root() == root_of([]) == EMPTY_ROOT


def test_a_copy_of_a_frontier_grows_on_its_own() -> None:
    frontier = Frontier()
    frontier.extend([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")])
    before = frontier.root()
    copy = frontier.copy()
    copy.append(leaf_hash(b"d"))
    assert (frontier.size, frontier.root()) == (3, before)
    assert copy.root() == root_of([leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c"), leaf_hash(b"d")])


def test_a_bad_hash_leaves_the_frontier_as_it_was() -> None:
    frontier = Frontier()
    frontier.extend([leaf_hash(b"a")] * 3)
    before = (frontier.size, frontier.hashes, frontier.root())
    for bad in ([leaf_hash(b"b"), b"short"], [b"x" * 33], [b""]):
        with pytest.raises(ProofInvalid):
            frontier.extend(bad)
        assert (frontier.size, frontier.hashes, frontier.root()) == before


@pytest.mark.parametrize(("size", "count"), [(3, 1), (4, 2), (0, 1), (-1, 64)])
def test_a_frontier_whose_hashes_do_not_fit_its_size_is_refused(size: int, count: int) -> None:
    with pytest.raises(ProofInvalid):
        Frontier(size, [leaf_hash(b"a")] * count)
    with pytest.raises(ProofInvalid):
        Frontier(1, [b"short"])


class _NoReader:
    def subtree(self, level: int, index: int) -> bytes:
        raise AssertionError("nothing to read")


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_inclusion_proof_is_made_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofInvalid):
        inclusion_proof(index, size, _NoReader())


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5), (0, 0), (-1, 5)])
def test_no_consistency_proof_is_made_from_nothing_or_to_less(old: int, new: int) -> None:
    with pytest.raises(ProofInvalid):
        consistency_proof(old, new, _NoReader())


def test_equal_sizes_need_no_proof() -> None:
    assert consistency_proof(5, 5, _NoReader()) == []
