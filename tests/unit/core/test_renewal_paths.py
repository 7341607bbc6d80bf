"""The tree of renewed time-stamps: every leaf is proven in it by its path, and by no other."""

import pytest

from ledger.core.errors import TimestampInvalid
from ledger.core.renewals import Tree, leaf_of, paths, root_by

LEAVES = [leaf_of(b"text %d" % number, b"token") for number in range(70)]


@pytest.mark.parametrize("count", [*range(1, 18), 31, 32, 33, 64, 70])
def test_each_path_leads_to_the_root_of_the_tree_as_it_grew(count: int) -> None:
    tree = Tree()
    for leaf in LEAVES[:count]:
        tree.add(leaf)
    found = paths(LEAVES[:count], range(count))
    for place, path in found.items():
        assert root_by(LEAVES[place], place, count, path) == tree.root()
        assert not _leads(LEAVES[place - 1] if count > 1 else b"", place, count, path, tree.root())
        assert not _leads(LEAVES[place], place, count, (*path, LEAVES[0]), tree.root())
        assert not path or not _leads(LEAVES[place], place, count, path[:-1], tree.root())
        assert not _leads(LEAVES[place], place + count, count, path, tree.root())


def _leads(leaf: bytes, place: int, count: int, path: tuple[bytes, ...], root: bytes) -> bool:
    try:
        return root_by(leaf, place, count, path) == root
    except TimestampInvalid:
        return False
