"""A zip that any two programs could read differently is refused before anything of it is decompressed."""

import io
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.core.errors import IntegrityError, InvalidEntry
from reports import strictzip
from reports.strictzip import MAX_MEMBERS, StrictZip, ZipWriter
from tests.unit.reports.zips import Part, build, deflated

A = Part()
B = Part(name=b"bag/b.txt", data=b"other\n" * 50)

BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no-zip": b"x" * 100,
    "no-members": build(),
    "duplicate-name": build(A, A),
    "duplicate-after-case-folding": build(A, replace(A, name=b"bag/A.TXT")),
    "file-and-folder": build(A, replace(A, name=b"bag/a.txt/b")),
    "prefix": build(A, B, prefix=b"#!/bin/sh\n"),
    "prefix-with-offsets-of-the-inner-zip": b"junk" + build(A, B),
    "suffix": build(A, B, suffix=b"junk"),
    "comment": build(A, B, comment=b"hello"),
    "gap-between": build(A, replace(B, before=b"\0\0")),
    "gap-before-directory": build(A, B, gap=b"\0"),
    "overlapping": build(A, replace(B, offset=0)),
    "members-not-in-order": build(A, B, replace(A, name=b"bag/c.txt", offset=0)),
    "more-in-directory-than-counted": build(A, B, count=1),
    "fewer-in-directory-than-counted": build(A, B, count=3),
    "directory-elsewhere": build(A, B, at=0),
    "directory-longer": build(A, B, length=9999),
    "local-size-differs": build(replace(A, central={"size": 7, "packed": 7})),
    "local-crc-differs": build(replace(A, central={"crc": 1})),
    "local-method-differs": build(replace(A, central={"method": 8})),
    "local-flags-differ": build(replace(A, central={"flags": 0}, flags=8)),
    "local-extra-differs": build(replace(A, local_extra=b"\1\0\0\0")),
    "encrypted": build(replace(A, flags=1)),
    "data-descriptor": build(replace(A, flags=8)),
    "utf8-flag": build(replace(A, flags=0x800)),
    "strong-encryption": build(replace(A, flags=0x41)),
    "unknown-method": build(replace(A, method=12)),
    "symlink": build(replace(A, outer=0o120777 << 16)),
    "folder-entry": build(replace(A, name=b"bag/", data=b"")),
    "dos-attributes": build(replace(A, outer=(0o100644 << 16) | 1)),
    "internal-attributes": build(replace(A, inner=1)),
    "other-time": build(replace(A, time=1)),
    "other-date": build(replace(A, date=0x5A21)),
    "other-version": build(replace(A, needs=45)),
    "other-system": build(replace(A, made_by=20)),
    "other-disk": build(replace(A, disk=1)),
    "unknown-extra": build(replace(A, extra=b"\xfe\xca\0\0")),
    "zip64-extra": build(replace(A, extra=b"\1\0\x08\0" + bytes(8))),
    "member-comment": build(replace(A, comment=b"c")),
    "path-traversal": build(replace(A, name=b"bag/../../etc/x")),
    "absolute": build(replace(A, name=b"/etc/x")),
    "dot-part": build(replace(A, name=b"bag/./x")),
    "empty-part": build(replace(A, name=b"bag//x")),
    "backslash": build(replace(A, name=b"bag\\x")),
    "nul-in-name": build(replace(A, name=b"bag/a\0.txt")),
    "not-ascii": build(replace(A, name="bag/ä".encode())),
    "long-name": build(replace(A, name=b"b" * 201)),
    "no-name": build(replace(A, name=b"")),
    "stored-with-two-sizes": build(replace(A, size=9)),
    "bomb": build(deflated(replace(A, data=bytes(1 << 20)))),
    "bomb-by-header": build(replace(deflated(A), size=1 << 31)),
    "too-many": build(*[replace(A, name=b"bag/%d" % n) for n in range(strictzip.MAX_MEMBERS + 1)]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_container_that_breaks_a_rule_is_refused(name: str) -> None:
    with pytest.raises(IntegrityError):
        StrictZip(io.BytesIO(BROKEN[name]))


BAD_CONTENT: dict[str, bytes] = {
    "crc": build(replace(A, crc=1)),
    "deflate-junk-behind": build(deflated(B, junk=b"\0")),
    "deflate-cut": build(replace(deflated(B), packed=(deflated(B).packed or b"")[:-1])),
    "deflate-shorter-than-said": build(replace(deflated(B), size=len(B.data) + 1)),
    "deflate-longer-than-said": build(replace(deflated(B), size=len(B.data) - 1)),
    "no-deflate": build(replace(A, method=8)),
}


@pytest.mark.parametrize("name", BAD_CONTENT)
def test_content_that_is_not_what_the_headers_say_is_never_given_whole(name: str) -> None:
    package = StrictZip(io.BytesIO(BAD_CONTENT[name]))
    with pytest.raises(IntegrityError):
        b"".join(package.stream(next(iter(package.members))))


def test_stored_and_deflated_members_are_read_back() -> None:
    package = StrictZip(io.BytesIO(build(A, deflated(B))))
    assert list(package.members) == ["bag/a.txt", "bag/b.txt"]
    assert [b"".join(package.stream(name)) for name in package.members] == [A.data, B.data]
    assert list(package.lines("bag/b.txt", 100)) == [b"other"] * 50


def test_lines_are_bounded_and_the_last_one_is_whole() -> None:
    package = StrictZip(io.BytesIO(build(replace(A, data=b"x" * 1000 + b"\nrest"))))
    with pytest.raises(IntegrityError, match="line 1"):
        list(package.lines("bag/a.txt", 999))
    with pytest.raises(IntegrityError, match="ends within line 2"):
        list(package.lines("bag/a.txt", 1000))
    with pytest.raises(IntegrityError, match="missing"):
        package.read("bag/none", 10)
    with pytest.raises(IntegrityError, match="larger"):
        package.read("bag/a.txt", 10)


def test_the_writer_makes_what_the_reader_takes_and_any_other_program_too(tmp_path: Path) -> None:
    source = tmp_path / "x"
    source.write_bytes(b"data" * 100_000)
    for name in ("one.zip", "two.zip"):
        with ZipWriter(tmp_path / name) as writer:
            writer.add("bag/data/x", source)
            writer.add("bag/y", source)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with StrictZip.open(tmp_path / "one.zip") as package:
        assert b"".join(package.stream("bag/data/x")) == source.read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as other:
        assert other.testzip() is None
    with ZipWriter(tmp_path / "three.zip") as writer, pytest.raises(InvalidEntry):
        writer.add("bag/../x", source)


def test_every_byte_of_a_small_container_counts() -> None:
    """Stored members leave no byte that two containers of the same content could differ in."""
    good = build(A, B)
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1 << place % 8
        with pytest.raises(IntegrityError):  # noqa: PT012 - reading is part of what is refused
            package = StrictZip(io.BytesIO(bytes(changed)))
            assert set(package.members) == {"bag/a.txt", "bag/b.txt"} or _refuse()
            assert [zlib.crc32(b"".join(package.stream(name))) for name in package.members]


def _refuse() -> bool:
    # A changed name gives another file set, which the bag's manifests refuse.
    raise IntegrityError("another file set")


def test_the_writer_makes_no_container_of_more_files_than_the_reader_takes(tmp_path: Path) -> None:
    source = tmp_path / "empty"
    source.write_bytes(b"")
    with ZipWriter(tmp_path / "many.zip") as writer:
        for number in range(MAX_MEMBERS):
            writer.add(f"package/{number}", source)
        with pytest.raises(InvalidEntry, match="more than"):
            writer.add("package/more", source)
    with StrictZip.open(tmp_path / "many.zip") as package:
        assert len(package.members) == MAX_MEMBERS
