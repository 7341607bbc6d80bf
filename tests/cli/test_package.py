"""A package by command: in whose language its report is, who asked for it, and why."""

import json
from pathlib import Path

from reports import layout
from tests.cli.conftest import filled
from tests.cli.terminal import trailseal
from tests.integration.reports.repack import unpack


def test_a_package_says_who_asked_and_why_in_the_language_that_was_asked_for(tmp_path: Path) -> None:
    site, out = filled(tmp_path), tmp_path / "evidence.zip"
    why = "Rückfrage der Überwachung"
    done = site("package", "--out", out, "--query", "{}", "--language", "de", "--reason", why)
    assert done.code == 0, done.err
    _, files = unpack(out)
    description = json.loads(files[layout.DESCRIPTION])
    assert description["asked_why"] == why
    assert description["asked_by"].startswith("local:")
    assert "asked_authenticated" not in description
    assert files[layout.HELP].decode().startswith("SO PRÜFEN SIE DIESES PAKET")
    assert trailseal("verify", out, "--vkey", site.made["vkey"]).code == 0
    assert site("package", "--out", tmp_path / "other.zip", "--query", "{}", "--language", "xx").code != 0
