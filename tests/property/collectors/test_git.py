"""Whatever bytes an object of a repository has, it becomes an item or is refused; nothing else happens."""

import contextlib
import hashlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collectors.it.git_original import GitOriginal, git_item, parse_raw
from collectors.payload import pack
from ledger.core.errors import SkippableRecord

LINES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"author A <a@b.example> 1764000000 +0100",
                b"author <> -99999999999999999 -9999",
                b"committer  <x> 999999999999999999 +2360",
                b"encoding ISO-8859-1",
                b"encoding zlib",
                b"gpgsig -----BEGIN",
                b" continued",
                b"parent ",
                b"",
            ]
        ),
    ),
    max_size=12,
).map(b"\n".join)


@given(LINES, st.sampled_from(["commit", "tag"]))
def test_any_object_whose_id_is_right_is_an_item(raw: bytes, kind: str) -> None:
    text, base64 = pack(raw)
    oid = hashlib.sha1(f"{kind} {len(raw)}".encode() + b"\0" + raw).hexdigest()
    original = GitOriginal(kind=kind, id=oid, text=text, base64=base64)  # type: ignore[arg-type]
    item = git_item(msgspec.json.encode(original))
    assert item["key"] == f"{kind}/{oid}"
    assert isinstance(item["message"], str)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_item_or_refused(data: bytes) -> None:
    with contextlib.suppress(SkippableRecord):
        git_item(data)


@given(st.binary(max_size=300), st.integers(1, 3))
def test_a_list_of_files_that_was_cut_anywhere_gives_whole_files_only(junk: bytes, at_most: int) -> None:
    line = b":100644 100644 " + b"a" * 40 + b" " + b"0" * 40 + b" M\0" + (junk.replace(b"\0", b"") or b"x") + b"\0"
    whole = line * 4
    for cut in range(0, len(whole), 7):
        files, left_out = parse_raw(whole[:cut], at_most)
        assert len(files) <= at_most
        assert left_out == (cut // len(line) > at_most)
        assert all(file.new is None and file.old == "a" * 40 for file in files)
