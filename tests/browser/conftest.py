"""A real service in a process of its own, and a real Chromium that may reach nothing else."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from tests.conftest import REPOSITORY

BROWSERS = tuple(Path("/usr/bin", name) for name in ("chromium-headless-shell", "chromium"))
"""The same engine twice: without windows of its own a page costs half as much."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what drives a browser, so that `-m "not browser"` runs without one."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


class Site:
    """The service that is served: its address, and sign-in links to it."""

    def __init__(self, process: "subprocess.Popen[str]", folder: Path) -> None:
        self._process = process
        self.folder = folder
        self.address: str = self._answer()["address"]

    def link(self) -> str:
        """A new one-time sign-in link."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()["link"]

    def _answer(self) -> dict[str, str]:
        assert self._process.stdout is not None
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        return answer


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One service for all browser tests of a process; they only read."""
    folder = tmp_path_factory.mktemp("browser") / "ledger"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.serve", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    try:
        yield Site(process, folder)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the browser tests of a module."""
    found = [path for path in BROWSERS if path.exists()]
    if not found:
        pytest.skip(f"{BROWSERS[0]} is not there: `make test` installs it")
    # For a module only: while it lives, Playwright keeps an event loop running in this thread, and others need it.
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found[0], args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Opens a new browser profile of this kind (theme, width, JavaScript), signed in, at a path.

    The page's `trouble` collects whatever should never happen: errors, refused content, requests to elsewhere.
    """
    contexts: list[BrowserContext] = []

    def open_page(path: str = "/", *, signed_in: bool = True, width: int = 1280, **options: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        if signed_in:
            page.goto(site.link())
        watch(page, site.address)
        page.goto(site.address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def profiles(browser: Browser) -> Iterator[dict[str, BrowserContext]]:
    """The profiles that `look` keeps for a module's tests."""
    kept: dict[str, BrowserContext] = {}
    yield kept
    for context in kept.values():
        context.close()


@pytest.fixture
def look(browser: Browser, site: Site, profiles: dict[str, BrowserContext]) -> Iterator[Callable[..., Page]]:
    """As `visit`, for tests that change nothing: one profile of each kind, signed in and its fonts loaded once."""
    pages: list[Page] = []

    def open_page(path: str = "/", *, width: int = 1280, **options: object) -> Page:
        kind = f"{width} {options}"
        if kind not in profiles:
            viewport = {"width": width, "height": 800}
            profiles[kind] = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
            first = profiles[kind].new_page()
            first.goto(site.link())
            first.close()
        page = profiles[kind].new_page()
        pages.append(page)
        watch(page, site.address)
        page.goto(site.address + path)
        return page

    yield open_page
    for page in pages:
        page.close()


TROUBLE: dict[Page, list[str]] = {}


def watch(page: Page, address: str) -> None:
    """Collects what should never happen on a page in `TROUBLE`."""
    found = TROUBLE.setdefault(page, [])
    page.on("console", lambda message: found.append(f"console: {message.text}") if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("dialog", lambda dialog: found.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: None if request.url.startswith(address) else found.append(f"request to {request.url}"),
    )


def follow(control: Locator) -> None:
    """Clicks what leads to another page, and waits until that is there whole: a click returns once it begins."""
    with control.page.expect_navigation():
        control.click()
