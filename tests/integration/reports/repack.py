"""What a forger can do to a package: change files, write every manifest anew, pack it all up correctly again."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from reports import bag, layout
from reports.strictzip import ZipWriter

Files = dict[str, bytes]


def unpack(path: Path) -> tuple[str, Files]:
    """The bag's folder, and its files by name."""
    with zipfile.ZipFile(path) as package:
        folder = package.namelist()[0].partition("/")[0]
        return folder, {name.partition("/")[2]: package.read(name) for name in package.namelist()}


def with_manifests(files: Files) -> Files:
    """The files with both manifests, and then both tag manifests, made for what is there now."""
    files = dict(files)
    for names, chosen in ((bag.MANIFESTS, None), (bag.TAG_MANIFESTS, layout.TAGGED)):
        digests = {
            name: bag.digest([data])
            for name, data in files.items()
            if (name.startswith(bag.PAYLOAD) if chosen is None else name in chosen)
        }
        for name in names:
            files[name] = bag.manifest(digests, name.removesuffix(".txt").rpartition("-")[2])
    return files


def pack(folder: str, files: Mapping[str, bytes], out: Path) -> Path:
    """A correct zip of these files."""
    scratch = out.with_suffix(".part")
    with ZipWriter(out) as package:
        for name in sorted(files):
            scratch.write_bytes(files[name])
            package.add(f"{folder}/{name}", scratch)
    scratch.unlink()
    return out


def forge(path: Path, out: Path, change: Callable[[Files], Files]) -> Path:
    """A package whose files were changed, with every manifest written anew."""
    folder, files = unpack(path)
    return pack(folder, with_manifests(change(files)), out)
