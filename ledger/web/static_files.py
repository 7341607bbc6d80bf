"""Style sheet, font and script, served under a name that holds their digest: cached for ever, never stale.

They hold nothing of the ledger, so they ask for no sign-in.
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

import fontpkg_noto_sans
import msgspec

from ledger.core.errors import NotFound

_FONT = files(fontpkg_noto_sans).joinpath("files", "NotoSans[wdth,wght].ttf")
_OWN = files("ledger.web").joinpath("static")
_SOURCES: Final = {
    "trailseal.css": (_OWN.joinpath("trailseal.css"), "text/css; charset=utf-8"),
    "passkey.js": (_OWN.joinpath("passkey.js"), "text/javascript; charset=utf-8"),
    "icon.svg": (_OWN.joinpath("icon.svg"), "image/svg+xml"),
    "NotoSans.ttf": (_FONT, "font/ttf"),
}


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is served."""

    data: bytes
    media_type: str


@cache
def static_file(name: str) -> StaticFile:
    """A file by its plain name; raises NotFound for any name that is not listed here."""
    if name not in _SOURCES:
        raise NotFound(f"there is no file {name[:80]!r}")
    source, media_type = _SOURCES[name]
    return StaticFile(data=source.read_bytes(), media_type=media_type)


@cache
def version() -> str:
    """One digest over all files, so that the style sheet can name the font beside it."""
    return sha256(b"".join(sha256(static_file(name).data).digest() for name in sorted(_SOURCES))).hexdigest()[:16]


def static_url(name: str) -> str:
    """The URL of a file as it is now."""
    return f"/static/{version()}/{name}"
