"""The bag: BagIt folders of RFC 8493 with SHA-256 and SHA-512 manifests, each written in one form only.

A manifest is a pure function of the files' digests, so whoever checks a bag writes it again and compares the bytes.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256, sha512
from typing import Final

import msgspec

from ledger.core.errors import InvalidEntry

PAYLOAD: Final = "data/"
DECLARATION: Final = "bagit.txt"
INFO: Final = "bag-info.txt"
MANIFESTS: Final = ("manifest-sha256.txt", "manifest-sha512.txt")
TAG_MANIFESTS: Final = ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
DECLARATION_TEXT: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class Digests(msgspec.Struct, frozen=True):
    """Both digests of one file in lowercase hex, and its size in bytes."""

    sha256: str
    sha512: str
    size: int


def digest(chunks: Iterable[bytes]) -> Digests:
    """Both digests of a file, read once."""
    first, second, size = sha256(), sha512(), 0
    for chunk in chunks:
        first.update(chunk)
        second.update(chunk)
        size += len(chunk)
    return Digests(first.hexdigest(), second.hexdigest(), size)


def manifest(files: Mapping[str, Digests], algorithm: str) -> bytes:
    """The manifest of these files by `sha256` or `sha512`: a line each, by name (RFC 8493 section 2.1.3)."""
    return "".join(f"{getattr(files[name], algorithm)}  {name}\n" for name in sorted(files)).encode()


def info(fields: Iterable[tuple[str, str]]) -> bytes:
    """The `bag-info.txt` of these fields, in order (RFC 8493 section 2.2.2); raises InvalidEntry for a line break."""
    lines = []
    for label, value in fields:
        if "\n" in value or "\r" in value or ":" in label:
            raise InvalidEntry(f"bag-info field {label!r} cannot hold {value[:80]!r}")
        lines.append(f"{label}: {value}\n")
    return "".join(lines).encode()


def oxum(files: Iterable[Digests]) -> str:
    """Bytes and number of payload files, as the Payload-Oxum of RFC 8493 writes them."""
    sizes = [found.size for found in files]
    return f"{sum(sizes)}.{len(sizes)}"
