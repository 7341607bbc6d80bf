"""What the verifier page is tried on: packages of a small plant, and how a person would try them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
from playwright.sync_api import Browser, Page

from ledger.core.card import Card
from ledger.core.cosignature import CosignatureSigner
from ledger.core.note import with_lines
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports import bag, layout
from reports.layout import decode_description, seal_payload
from reports.standalone import verify_page
from tests.browser.conftest import TROUBLE, watch
from tests.integration.reports.plant import Plant
from tests.integration.reports.repack import Files, pack, unpack, with_manifests

LINES = ("unchanged", "complete", "order", "date")
WITNESS = CosignatureSigner("witness.example/qa", bytes(range(32)))
SEEN = 1_764_052_864
"""Unix seconds at which the witness says that it saw the checkpoint."""


class Found(msgspec.Struct, frozen=True):
    """What the page says: its sum, each line's state, and what it lists as wrong."""

    sum: str
    lines: Mapping[str, str]
    problems: str


class Verifier:
    """A person in front of `verify.html`."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def judge(self, package: bytes | Path, outside: str = "") -> Found:
        """What the page finds of a package, under what is given from outside."""
        self.page.fill("#outside", outside)
        data = package if isinstance(package, bytes) else package.read_bytes()
        self.page.evaluate("delete document.querySelector('#sum').dataset.sum")
        self.page.set_input_files("#package", {"name": "a.zip", "mimeType": "application/zip", "buffer": data})
        return self.found()

    def found(self) -> Found:
        """What it says once it has come to an end."""
        said = self.page.wait_for_selector("#sum[data-sum]", timeout=30_000)
        assert said is not None
        states = {line: self.page.get_attribute(f"[data-line={line}]", "data-state") or "" for line in LINES}
        listed = self.page.locator("#problems li").all_text_contents()
        return Found(sum=said.get_attribute("data-sum") or "", lines=states, problems="\n".join(listed))


@contextmanager
def opened(browser: Browser, folder: Path) -> Iterator[Verifier]:
    """The page, opened from a folder, in a browser that reaches nothing."""
    file = folder / "verify.html"
    file.write_bytes(verify_page())
    context = browser.new_context(offline=True)
    page = context.new_page()
    watch(page, file.as_uri())
    page.goto(file.as_uri())
    yield Verifier(page)
    assert TROUBLE[page] == []
    context.close()


def cosigned(site: Plant, scratch: Path) -> tuple[Path, str]:
    """A package without known gaps whose checkpoint a witness has cosigned; and the policy that asks for that one."""
    plain = scratch / "plain.zip"
    site.package(plain, BySearch(query=Query(source="erp")))
    folder, files = unpack(plain)
    note = files[layout.CHECKPOINT]
    line = WITNESS.sign(Card.parse(note.decode()).checkpoint, SEEN).line.rstrip("\n")
    # The files with a proof each hold the checkpoint too.
    more = {name: data.replace(note, with_lines(note, [line])) for name, data in files.items()}
    path = pack(folder, sealed(site, more), scratch / "cosigned.zip")
    return path, f"log {site.vkey}\nwitness qa {WITNESS.verifier}\nquorum qa\n"


def sealed(site: Plant, files: Files) -> Files:
    """The files with manifests and seal made anew, by the log's own report key: what only who holds it can do."""
    description = decode_description(files[layout.DESCRIPTION])
    files = with_manifests({**files, layout.SEAL: b""})
    payload = seal_payload(description, {name: bag.digest([data]) for name, data in files.items()})
    return with_manifests({**files, layout.SEAL: site.seal(payload)})
