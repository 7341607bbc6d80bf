"""Published tiles over HTTP: bounded in size, time and number at once, whatever the server does."""

import gzip
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ledger.core.errors import Unreachable
from ledger.core.note import NoteSigner
from ledger.core.tiles import Tile
from ledger.trust import published as published_module
from ledger.trust.auditing import Anchor, Auditor, TilesVerdict
from ledger.trust.published import AT_ONCE, WINDOW, published
from tests.support.published import leaves, published_files

SIGNER = NoteSigner("plant.example/a/records", b"\x01" * 32)
FILES = published_files(leaves(3_000), SIGNER)
FIRST = {f"tile/{level}/{n:03d}" for n in range(AT_ONCE // 2) for level in ("entries", "0")}
"""What is asked for first, all at once."""
Answer = Callable[[BaseHTTPRequestHandler, str], bool]


class Site:
    """A web server of a published log; `answer` may answer in its place."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _handler, _name: False
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        self.counting = threading.Lock()


@contextmanager
def serving() -> Iterator[tuple[Site, str]]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with site.counting:
                site.asked.append(self.path)
                site.at_once += 1
                site.most_at_once = max(site.most_at_once, site.at_once)
            try:
                name = self.path.removeprefix("/logs/records/")
                if not site.answer(self, name):
                    send(self, FILES.get(name))
            finally:
                with site.counting:
                    site.at_once -= 1

        def log_message(self, *_given: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield site, f"http://127.0.0.1:{server.server_port}/logs/records"
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, data: bytes | None, status: int = 200, **headers: str) -> None:
    handler.send_response(404 if data is None else status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data or b"")))
    handler.end_headers()
    handler.wfile.write(data or b"")


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Site, str]]:
    with serving() as made:
        yield made


@pytest.fixture
def site(served: tuple[Site, str]) -> Site:
    site, _ = served
    site.answer = lambda _handler, _name: False
    site.asked.clear()
    return site


@pytest.fixture
def audited(served: tuple[Site, str]) -> Callable[[], TilesVerdict]:
    def audit() -> TilesVerdict:
        with published(served[1], wait_s=0.001) as tiles:
            return Auditor(tiles, Anchor(keys=(SIGNER.verifier,))).verdict()

    return audit


def test_a_log_is_audited_over_http_with_a_bounded_number_of_files_at_once(
    site: Site, audited: Callable[[], TilesVerdict]
) -> None:
    together = threading.Barrier(AT_ONCE, timeout=10)

    def waiting(_handler: BaseHTTPRequestHandler, name: str) -> bool:
        if name in FIRST:
            together.wait()
        return False

    site.answer = waiting
    found = audited()
    assert (found.exit_code, found.size) == (0, 3_000)
    assert len(site.asked) == len(set(site.asked)) == len(FILES) + 1  # what it does not tell of its keys
    assert site.most_at_once == AT_ONCE


def test_files_are_fetched_no_further_ahead_than_the_window(site: Site, served: tuple[Site, str]) -> None:
    class Still(ThreadPoolExecutor):
        """Counts what is put in."""

        put = 0

        def submit(self, *given: object, **named: object) -> object:  # type: ignore[override]
            Still.put += 1
            return super().submit(*given, **named)  # type: ignore[arg-type]

    with published(served[1]) as tiles, Still(2) as pool:
        tiles._pool = pool  # type: ignore[attr-defined]
        stream = tiles.stream(Tile(level=0, n=n % 10) for n in range(1_000_000))
        for _ in range(5):
            next(stream)
        assert Still.put == 4 + WINDOW
        stream.close()  # type: ignore[attr-defined]


def test_gzip_is_accepted_and_a_bomb_is_not_unpacked(site: Site, audited: Callable[[], TilesVerdict]) -> None:
    def gzipped(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if not name.startswith("tile/entries/"):
            return False
        assert handler.headers["Accept-Encoding"] == "gzip"
        send(handler, gzip.compress(FILES[name]), Content_Encoding="gzip")
        return True

    site.answer = gzipped
    assert audited().exit_code == 0
    bomb = gzip.compress(bytes(64 << 20), 9)

    def exploding(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if name != "tile/entries/003":
            return False
        send(handler, bomb, Content_Encoding="gzip")
        return True

    site.answer = exploding
    found = audited()
    assert found.exit_code == 1
    assert "tile/entries/003 is longer than" in found.problems[0].what


def test_an_answer_without_end_is_cut_off(
    site: Site, audited: Callable[[], TilesVerdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def endless(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if name != "checkpoint":
            return False
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while not ended.wait(0.001):
                handler.wfile.write(b"x" * piece)
        except OSError:
            pass  # it was cut off
        handler.close_connection = True
        return True

    site.answer = endless
    piece = 1 << 16
    assert "checkpoint is longer than" in audited().problems[0].what
    piece = 1
    monkeypatch.setattr(published_module, "FILE_S", 0.05)
    with pytest.raises(Unreachable, match="takes longer"):
        audited()
    ended.set()


def test_what_may_pass_is_tried_again_and_what_stays_is_no_verdict(
    site: Site, audited: Callable[[], TilesVerdict]
) -> None:
    failures: dict[str, int] = {}

    def failing(handler: BaseHTTPRequestHandler, name: str) -> bool:
        failures[name] = failures.get(name, 0) + 1
        if failures[name] <= 2:
            send(handler, b"", 503)
        return failures[name] <= 2

    site.answer = failing
    assert audited().exit_code == 0
    failures.clear()

    def gone(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if name != "tile/0/007":
            return False
        send(handler, b"", 500)
        return True

    site.answer = gone
    with pytest.raises(Unreachable, match="tile/0/007 answers 500"):
        audited()


def test_a_redirect_is_not_followed(site: Site, audited: Callable[[], TilesVerdict]) -> None:
    def moved(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if name != "checkpoint":
            return False
        send(handler, b"", 302, Location="http://127.0.0.1:1/other")
        return True

    site.answer = moved
    with pytest.raises(Unreachable, match="answers 302"):
        audited()


def test_a_tile_that_the_server_lacks_is_named(site: Site, audited: Callable[[], TilesVerdict]) -> None:
    def missing(handler: BaseHTTPRequestHandler, name: str) -> bool:
        if not name.startswith("tile/0/011"):
            return False
        send(handler, None)
        return True

    site.answer = missing
    found = audited()
    assert found.exit_code == 1
    assert "tile/0/011.p/184 is missing, and so is the full tile/0/011" in found.problems[0].what


def test_nobody_listens(audited: Callable[[], TilesVerdict]) -> None:
    with published("http://127.0.0.1:1/logs/records", wait_s=0.001) as tiles, pytest.raises(Unreachable):
        Auditor(tiles, Anchor()).verdict()
