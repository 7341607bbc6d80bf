"""Reads a published log (C2SP tlog-tiles) from a folder or over HTTP, with limits on everything that is not ours.

What comes from there is judged by `core.audit`; here it is only fetched: a bounded number of files at a time, none
longer than its kind can be, none waited for without end, no redirect followed, no proxy of the environment asked.
"""

import ssl
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from ledger.core.audit import Tiles
from ledger.core.errors import ConfigError, IntegrityError, NotFound, Unreachable
from ledger.core.published_keys import KEY_LIFE, MAX_KEY_LIFE
from ledger.core.tiles import MAX_ENTRY, TILE_WIDTH, Tile

MAX_NOTE: Final = 512 * 1024
"""Bytes of the longest checkpoint: a hundred lines of the longest signature."""
MAX_TILE: Final = TILE_WIDTH * 32
MAX_BUNDLE: Final = TILE_WIDTH * (2 + MAX_ENTRY)
AT_ONCE: Final = 8
"""Files asked for at a time, over HTTP."""
WINDOW: Final = 16
"""Files that are fetched, or on their way, before they are used."""
TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
FILE_S: Final = 120.0
"""Seconds that one file may take, however steadily it trickles."""
TRIES: Final = 3
_BUNDLES = "tile/entries/"
_GZIP = b"\x1f\x8b\x08"


class Reads(Protocol):
    """Gives the bytes of a file by its name; raises NotFound."""

    def read(self, name: str) -> bytes: ...


class FolderTiles:
    """A published log in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes:
        """The bytes of one file, a gzipped bundle unpacked; raises NotFound, IntegrityError for one that is too long.

        Other errors of the file system are raised as they are.
        """
        try:
            with (self._folder / name).open("rb") as file:
                data = file.read(_most(name) + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"{name} is missing") from None
        if name.startswith(_BUNDLES) and data.startswith(_GZIP):
            data = _unpacked(data, _most(name)) or data
        _require_bounded(name, len(data))
        return data

    def stream(self, tiles: Iterable[Tile]) -> Iterator[tuple[Tile, bytes]]:
        return (_either(self, tile) for tile in tiles)


class HttpTiles:
    """A published log below an http(s) address; several files are on their way at once."""

    def __init__(self, prefix: str, pool: ThreadPoolExecutor, client: httpx.Client, wait_s: float = 1.0) -> None:
        self._prefix = prefix.rstrip("/")
        self._pool = pool
        self._client = client
        self._wait_s = wait_s

    def read(self, name: str) -> bytes:
        """The bytes of one file; raises NotFound, Unreachable, or IntegrityError for one that is too long."""
        for attempt in Retrying(
            retry=retry_if_exception_type(Unreachable),
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(multiplier=self._wait_s, max=10 * self._wait_s),
            reraise=True,
        ):
            with attempt:
                return self._get(name)
        raise AssertionError("unreachable: the last attempt raises")

    def stream(self, tiles: Iterable[Tile]) -> Iterator[tuple[Tile, bytes]]:
        source = iter(tiles)
        waiting: deque[Future[tuple[Tile, bytes]]] = deque()
        try:
            while True:
                for tile in islice(source, WINDOW - len(waiting)):
                    waiting.append(self._pool.submit(_either, self, tile))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()

    def _get(self, name: str) -> bytes:
        url, until = f"{self._prefix}/{name}", time.monotonic() + FILE_S
        try:
            with self._client.stream("GET", url, headers={"Accept-Encoding": "gzip"}) as answer:
                if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                    raise NotFound(f"{name} is missing")
                if answer.status_code != httpx.codes.OK:
                    raise Unreachable(f"{url} answers {answer.status_code}")
                data = bytearray()
                for piece in answer.iter_bytes():
                    data += piece
                    _require_bounded(name, len(data))
                    if time.monotonic() > until:
                        raise Unreachable(f"{url} takes longer than {FILE_S:.0f} s")
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise Unreachable(f"{url} does not answer ({type(error).__name__})") from None
        return bytes(data)


@contextmanager
def published(place: str, wait_s: float = 1.0) -> Iterator[Tiles]:
    """The log at a place: a folder, or an http(s) address. Raises ConfigError for another sort of address."""
    scheme = urlsplit(place).scheme if "://" in place else ""
    if not scheme:
        if not Path(place).is_dir():
            raise ConfigError(f"{place} is no folder", advice="Name the folder or http(s) address of published tiles.")
        yield FolderTiles(Path(place))
        return
    parts = urlsplit(place)
    if scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        # An address is shown, and may stand in an entry: it holds no password.
        raise ConfigError(
            f"{parts.hostname or 'this'} is no http(s) address of published tiles without user, query and fragment",
            advice="Give the part before `/checkpoint`.",
        )
    client = httpx.Client(
        verify=ssl.create_default_context(),
        timeout=TIMEOUT,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=AT_ONCE),
    )
    pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="tiles")
    try:
        yield HttpTiles(place, pool, client, wait_s)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        client.close()


def _either(tiles: Reads, tile: Tile) -> tuple[Tile, bytes]:
    """A tile in its own width or, where that is gone, the full one that stands for it."""
    try:
        return tile, tiles.read(tile.path)
    except NotFound:
        if tile.width == TILE_WIDTH:
            raise
    full = Tile(level=tile.level, n=tile.n)
    try:
        return full, tiles.read(full.path)
    except NotFound:
        raise NotFound(f"{tile.path} is missing, and so is the full {full.path}") from None


def fetcher(tiles: Reads) -> Callable[[int, int, int], bytes]:
    """What a `TileReader` asks for tiles."""
    return lambda level, n, width: tiles.read(Tile(level=level, n=n, width=width).path)


def _most(name: str) -> int:
    if name == KEY_LIFE:
        return MAX_KEY_LIFE
    if name.startswith(_BUNDLES):
        return MAX_BUNDLE
    return MAX_TILE if name.startswith("tile/") else MAX_NOTE


def _require_bounded(name: str, length: int) -> None:
    if length > _most(name):
        raise IntegrityError(f"{name} is longer than the {_most(name)} bytes that it can have")


def _unpacked(data: bytes, most: int) -> bytes | None:
    """What a gzip file holds, at most one byte more than allowed; None if it is none after all."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        return unpacker.decompress(data, most + 1)
    except zlib.error:
        return None
