"""One's own copy of the verifier page, by a command that needs no ledger."""

from hashlib import sha256
from pathlib import Path

from reports.standalone import verify_page
from tests.cli.terminal import trailseal


def test_the_copy_is_the_page_of_the_release_and_its_digest_is_said(tmp_path: Path) -> None:
    out = tmp_path / "verify.html"
    done = trailseal("verify-page", "--out", out, "--json")
    assert done.code == 0
    assert out.read_bytes() == verify_page()
    assert done.json()["sha256"] == sha256(out.read_bytes()).hexdigest()


def test_a_file_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "verify.html"
    out.write_text("mine")
    done = trailseal("verify-page", "--out", out)
    assert done.code == 1
    assert out.read_text() == "mine"
