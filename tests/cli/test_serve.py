"""`serve` says where it answers and how to sign in, holds its port, and ends well."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from ledger.cli.ledgers import opened
from ledger.core.errors import IntegrityError
from ledger.server import exporting
from tests.cli.conftest import SOURCE, filled, lines_of
from tests.cli.terminal import trailseal
from tests.support.serving import Command


def test_serve_prints_its_address_and_a_link_that_signs_in_and_ends_well_at_ctrl_c(tmp_path: Path) -> None:
    site = filled(tmp_path)
    command = Command(("serve", "--json", "--port", "0", "--ledger", str(site.folder)), tmp_path / "serve.log")
    try:
        told = _told(command)
        with httpx.Client(base_url=told["address"], trust_env=False, timeout=10, follow_redirects=True) as browser:
            assert browser.get("/api/v1/health").status_code == 200
            assert browser.get("/").status_code in (401, 403)
            assert browser.get(told["sign_in"]).status_code == 200
            assert browser.get("/").status_code == 200
            browser.cookies.clear()
            assert browser.get(told["sign_in"]).status_code == 401, "the link is good once"
        port = told["address"].rpartition(":")[2]
        second = site("serve", "--port", port)
        assert (second.code, second.out) == (1, "")
        assert f"port {port}" in second.err
        os.kill(command.pid, signal.SIGINT)
        assert command.wait() == 0
        assert b"Traceback" not in command.printed()
    finally:
        command.kill()
    assert site("verify").code == 0


def test_tiles_are_exported_again_and_again_and_by_the_service(tmp_path: Path) -> None:
    site = filled(tmp_path)
    vkey, out = site.made["vkey"], tmp_path / "out"
    arguments = ("tiles", "export", "--out", str(out), "--every", "0.1", "--json", "--ledger", str(site.folder))
    command = Command(arguments, tmp_path / "export.log")
    try:
        sizes = [_exported(command, 0)]
        site.file.write_bytes(lines_of(7, 8, 9))
        assert site("append", site.file, "--source", SOURCE).code == 0
        sizes.append(_exported(command, sizes[0]))
        os.kill(command.pid, signal.SIGTERM)
        assert command.wait() == 0
        assert b"Error" not in command.printed()
    finally:
        command.kill()
    audited = trailseal("verify", "--tiles", out, "--vkey", vkey, "--json")
    assert (audited.code, audited.json()["size"]) == (0, sizes[1])
    settings = site.folder / "trailseal.toml"
    settings.write_text(settings.read_text().replace("publish_tiles", 'tiles_folder = "published"\npublish_tiles'))
    with opened(site.folder) as service:
        service.publisher.publish_all()
        (duty,) = exporting(service)
        duty.run()
        assert {one.name for one in (site.folder / "published").iterdir()} == {"records", "system"}
        assert trailseal("verify", "--tiles", site.folder / "published/records", "--vkey", vkey).code == 0
        (site.folder / "published/system/checkpoint").write_bytes(b"damaged")
        site.file.write_bytes(lines_of(10))
        assert site("append", site.file, "--source", SOURCE).code == 0
        service.publisher.publish_all()
        before = (site.folder / "published/records/checkpoint").read_bytes()
        with pytest.raises(IntegrityError, match="system"):
            duty.run()
        assert (site.folder / "published/records/checkpoint").read_bytes() != before, "one log keeps no other waiting"


def _exported(command: Command, above: int) -> int:
    """Waits until more than so many entries are exported; returns how many."""
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline, command.tail()
        assert command.exit_code is None, command.tail()
        told = [json.loads(line) for line in command.printed().splitlines(keepends=True) if line.endswith(b"\n")]
        if told and told[-1]["size"] > above:
            size: int = told[-1]["size"]
            return size
        time.sleep(0.05)


def _told(command: Command) -> dict[str, str]:
    """The line of the answer; log lines, which go to standard error, stand in the same file."""
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline, command.tail()
        assert command.exit_code is None, command.tail()
        for line in command.printed().splitlines(keepends=True):
            if line.startswith(b"{") and line.endswith(b"\n"):
                told: dict[str, str] = json.loads(line)
                assert set(told) == {"address", "sign_in"}
                return told
        time.sleep(0.05)
