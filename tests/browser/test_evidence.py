"""What the page of an entry gives away is enough to check it with nothing of Trailseal at hand."""

import re
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import msgspec
from playwright.sync_api import Page

from ledger.core.note import VerifierKey
from ledger.core.policy import Policy, PolicyKey
from ledger.core.proof import TlogProof
from tests.browser.conftest import Site

Visit = Callable[..., Page]


def test_the_proof_of_the_page_holds_under_the_key_of_the_log(visit: Visit, site: Site) -> None:
    page = visit("/entries/system/0")
    content = page.locator("dl.wide-facts").inner_text()
    page.goto(site.address + "/entries/records/0")
    vkey = re.search(r"ledger\.example/site-a/records\+\S+", page.locator("dl.wide-facts").inner_text())
    assert vkey is not None
    assert "ledger.example/site-a/system" in content
    base = site.address + "/entries/records/20"
    leaf, proof = page.request.get(base + "/leaf").body(), page.request.get(base + "/proof").body()
    bundle = TlogProof.parse(proof)
    policy = Policy(logs=(PolicyKey(key=VerifierKey.parse(vkey[0]), url=None),), witnesses={}, groups={}, quorum="none")
    signed = bundle.verify(sha256(b"\0" + leaf).digest(), policy)
    assert bundle.index == 20
    assert signed.checkpoint.origin == "ledger.example/site-a/records"


def test_the_commands_on_the_page_give_what_the_page_says(visit: Visit, site: Site, tmp_path: Path) -> None:
    page = visit("/entries/records/20")
    base = site.address + "/entries/records/20"
    for part in ("leaf", "body"):
        (tmp_path / f"{part}-20.json").write_bytes(page.request.get(f"{base}/{part}").body())
    commands = [text for text in page.locator("ol.prose pre").all_inner_texts() if "sha256" in text]
    assert len(commands) == 2
    leaf_hash, commitment = (_run(command, tmp_path) for command in commands)
    shown = page.locator("dl.digests").inner_text()
    assert leaf_hash.split()[0] in re.sub(r"\s", "", shown)
    assert commitment.strip() == msgspec.json.decode((tmp_path / "leaf-20.json").read_bytes())["body"]
    assert commitment.strip() in shown


def test_a_download_is_saved_and_never_shown(visit: Visit, site: Site) -> None:
    page = visit()
    for part in ("leaf", "body", "original", "proof"):
        answer = page.request.get(f"{site.address}/entries/records/300/{part}")
        assert answer.headers["content-disposition"].startswith("attachment")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "html" not in answer.headers["content-type"]


def _run(command: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout
