"""`serve` says where it answers and how to sign in, holds its port, and ends well."""

import json
import os
import signal
import time
from pathlib import Path

import httpx

from tests.cli.conftest import filled
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
