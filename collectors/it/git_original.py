"""The original of something that happened in a repository, and what a mapping sees of it.

A commit or an annotated tag stands as its raw object, byte for byte (`git cat-file`), beside what git said of it: the
files that it changed against its first parent, the textual difference, the status of its signature. The object's id is
checked against its bytes. A ref (branch or tag) that moved is no object: what was seen of it stands in words.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

import msgspec

from collectors.compare.look import object_id
from collectors.mapping.expression import Item
from collectors.payload import unpack
from ledger.core.errors import SkippableRecord

MEDIA_TYPE: Final = "application/json"
STATUS: Final = {
    "G": "good",
    "B": "bad",
    "U": "good, signer not known here",
    "X": "good, expired",
    "Y": "good, key expired",
    "R": "good, key revoked",
    "E": "cannot be checked",
    "N": "none",
}
Moved = Literal["found", "created", "advanced", "rewritten", "deleted"]
_STAMP: Final = re.compile(rb"(.*?) ?<([^>\n]*)> (-?[0-9]{1,18}) ([+-][0-9]{4})")
_ZERO: Final = re.compile("0+")
_SIGNATURE: Final = re.compile(rb"(?m)^-----BEGIN [A-Z ]+-----$")
"""Where the signature of a tag begins, after its message; a commit's is among its headers."""
_CHARSETS: Final = re.compile(
    r"(?i)(utf-?8|us-ascii|ascii|iso-?8859-?\d+|latin-?\d+|(cp|windows-)\d+|koi8-[ru]|gbk?|gb\d+|big5|euc-\w\w|shift_jis)"
)


class File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    r"""A changed file: blob ids (null: there was or is none), modes, and git's letter for what was done.

    Bytes of a path that are not UTF-8 stand as `\xNN`.
    """

    path: str
    status: str
    old: str | None
    new: str | None
    old_mode: str
    new_mode: str


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What git says of a signature (`%G?`), and of the key."""

    status: str
    signer: str = ""
    key: str = ""
    fingerprint: str = ""


class Ref(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A ref that is not where it was, seen between two looks; `look` numbers the runs.

    `dropped` are commits that were there and that no ref reaches any longer, at most so many as were listed.
    """

    name: str
    change: Moved
    old: str | None
    new: str | None
    look: int
    after: str
    before: str
    dropped: tuple[str, ...] = ()


class GitOriginal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """See the module."""

    kind: Literal["commit", "tag", "ref"]
    id: str = ""
    text: str | None = None
    base64: str | None = None
    files: tuple[File, ...] = ()
    files_left_out: bool = False
    diff: str | None = None
    diff_cut: bool = False
    signature: Signature | None = None
    ref: Ref | None = None


def git_item(data: bytes) -> Item:
    """What a mapping sees; raises SkippableRecord for what is no such original, or whose bytes have another id."""
    try:
        found = msgspec.json.decode(data, type=GitOriginal)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a repository: {error}") from None
    if found.kind == "ref":
        if found.ref is None:
            raise SkippableRecord("a moved ref without its name")
        return {"kind": "ref", "key": object_id(f"ref/{found.ref.look}/{found.ref.name}"), "ref": _ref(found.ref)}
    raw = unpack(found.text, found.base64)
    if _object_id(found.kind, raw, len(found.id)) != found.id:
        raise SkippableRecord(f"the bytes are not those of the {found.kind} {found.id!r}")
    headers, message = parse_object(raw)
    if found.kind == "tag":
        message = _SIGNATURE.split(message, 1)[0]
    encoding = headers.get("encoding", [b"utf-8"])[0].decode("ascii", "replace")
    shown = {"message": _text(message, encoding).rstrip("\n"), "subject": _text(message, encoding).split("\n", 1)[0]}
    signature = found.signature or Signature(status="N")
    common = {
        "kind": found.kind,
        "key": f"{found.kind}/{found.id}",
        "id": found.id,
        **shown,
        "signature": {
            "status": signature.status,
            "says": STATUS.get(signature.status, signature.status),
            **{name: said for name in ("signer", "key", "fingerprint") if (said := getattr(signature, name))},
        },
    }
    if found.kind == "tag":
        return common | {
            "tagger": _person(headers, "tagger", encoding),
            "tag": {
                "name": _first(headers, "tag", encoding),
                "of": _first(headers, "object", encoding),
                "type": _first(headers, "type", encoding),
            },
        }
    return common | {
        "author": _person(headers, "author", encoding),
        "committer": _person(headers, "committer", encoding),
        "parents": [parent.decode("ascii", "replace") for parent in headers.get("parent", [])],
        "tree": _first(headers, "tree", encoding),
        "files": [{**msgspec.to_builtins(file), "path": object_id(file.path)} for file in found.files],
        "files_left_out": found.files_left_out,
        "diff": found.diff,
        "diff_cut": found.diff_cut,
    }


def parse_object(raw: bytes) -> tuple[dict[str, list[bytes]], bytes]:
    """Headers and message of a commit or tag; a header may come more than once, and have lines that go on."""
    head, _, message = raw.partition(b"\n\n")
    headers: dict[str, list[bytes]] = {}
    last = ""
    for line in head.split(b"\n"):
        if line.startswith(b" ") and last:
            headers[last][-1] += b"\n" + line[1:]
            continue
        name, _, value = line.partition(b" ")
        last = name.decode("ascii", "replace")
        headers.setdefault(last, []).append(value)
    return headers, message


def parse_raw(data: bytes, at_most: int) -> tuple[list[File], bool]:
    """The files of `git diff-tree --raw -z`, and whether some were left out."""
    files: list[File] = []
    parts = data.split(b"\0")
    for head, path in zip(parts[0:-1:2], parts[1:-1:2], strict=False):
        if len(files) == at_most:
            return files, True
        old_mode, new_mode, old, new, status = head.decode("ascii", "replace").lstrip(":").split(" ", 4)
        files.append(
            File(
                path=path.decode("utf-8", "backslashreplace"),
                status=status,
                old=None if _ZERO.fullmatch(old) else old,
                new=None if _ZERO.fullmatch(new) else new,
                old_mode=old_mode,
                new_mode=new_mode,
            )
        )
    return files, False


def _ref(ref: Ref) -> dict[str, object]:
    """`at` is the interval in which it moved; at the first look only the moment until which it had."""
    at = f"{ref.after}/{ref.before}" if ref.after else f"../{ref.before}"
    return {**msgspec.to_builtins(ref), "at": at}


def _object_id(kind: str, raw: bytes, digits: int) -> str:
    framed = f"{kind} {len(raw)}".encode() + b"\0" + raw
    return (hashlib.sha256(framed) if digits == 64 else hashlib.sha1(framed, usedforsecurity=False)).hexdigest()


def _person(headers: dict[str, list[bytes]], name: str, encoding: str) -> dict[str, object] | None:
    """Name, address and time as somebody's own machine gave them; the time in ISO 8601 where it can be written so."""
    line = headers.get(name, [b""])[0]
    found = _STAMP.fullmatch(line)
    if found is None:
        return {"name": _text(line, encoding), "email": None, "time": None} if line else None
    stamp, offset = found[3].decode(), found[4].decode()
    return {
        "name": _text(found[1], encoding),
        "email": _text(found[2], encoding),
        "time": _iso(stamp, offset),
        "stamp": f"{stamp} {offset}",
    }


def _iso(stamp: str, offset: str) -> str:
    minutes = int(offset[1:3]) * 60 + int(offset[3:5])
    try:
        zone = timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(stamp))).astimezone(zone).isoformat()
    except (ValueError, OverflowError):
        return f"{stamp} {offset}"


def _first(headers: dict[str, list[bytes]], name: str, encoding: str) -> str | None:
    values = headers.get(name)
    return _text(values[0], encoding) if values else None


def _text(data: bytes, encoding: str) -> str:
    """Text in the encoding that its commit names, if that is one of people's texts; else in UTF-8."""
    try:
        return data.decode(encoding if _CHARSETS.fullmatch(encoding) else "utf-8", "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
