"""Bad input ends with what is wrong and what to do, in two lines and exit code 1; a traceback never shows."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import typer

from ledger import __version__
from ledger.cli.app import app
from tests.cli.conftest import SOURCE, Site
from tests.cli.terminal import Answer, trailseal
from tests.support.serving import INTERRUPTIBLE, Serving


def _told(answer: Answer, name: str) -> None:
    lines = answer.err.strip().splitlines()
    assert answer.code == 1, answer.out
    assert len(lines) == 2, answer.err
    assert lines[0].startswith("Error: ")
    assert name in lines[0]


def test_a_missing_ledger(tmp_path: Path) -> None:
    _told(trailseal("search", "--ledger", tmp_path / "nowhere"), "nowhere")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("show", "999999"), "999999"),
        (("append", "absent.jsonl", "--source", SOURCE), "absent.jsonl"),
        (("append", "/", "--source", SOURCE), "/"),
        (("append", "absent.jsonl", "--source", "unknown"), "unknown"),
        (("package", "--out", "x.zip", "--query", "{"), "query"),
        (("package", "--out", "x.zip", "--query", '{"nothing":1}'), "nothing"),
        (("package", "--out", "x.zip"), "batch"),
        (("package", "--out", "/proc/no/x.zip", "--batch", "B-2026-00042"), "/proc/no"),
        (("search", "--link", "B-1"), "B-1"),
        (("search", "--occurred-from", "yesterday"), "yesterday"),
        (("search", "--log", "other"), "other"),
        (("search", "--received-from", "2026-11-25"), "received_from"),
        (("search", "--recorded-from", "2026-11-25Z", "--zone", "Mars/Base"), "Mars/Base"),
        (("search", "--received-from", "2026-11-26T00Z", "--received-to", "2026-11-25T00Z"), "received_to"),
        (("search", "--size", "99999999"), "99999999"),
        (("source", "add", "x", "--type", "none-such"), "none-such"),
        (("source", "test", SOURCE), "push"),
        (("token", "revoke", "none-such"), "none-such"),
        (("tiles", "export", "--out", "/proc/no"), "/proc/no"),
        (("verify", "--vkey", "x"), "verifier key of x"),
        (("verify", "--require-pq"), "--require-pq"),
        (("search", "--limit", "0"), "limit"),
    ],
)
def test_bad_input_is_named(site: Site, arguments: tuple[str, ...], name: str) -> None:
    _told(site(*arguments), name)


def test_an_unreadable_package_is_an_answer_of_verify(tmp_path: Path) -> None:
    for package in (tmp_path, tmp_path / "absent.zip"):
        answer = trailseal("verify", package)
        assert answer.code == 1
        assert package.name in answer.out
    _told(trailseal("verify", tmp_path / "absent.zip", "--policy", tmp_path), str(tmp_path))


def test_a_ledger_is_never_made_over_another(site: Site) -> None:
    _told(trailseal("init", site.folder, "--origin", "plant.example/other"), str(site.folder))


def _commands(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    return [path, *(one for name, each in inner.items() for one in _commands(each, (*path, name)))]


def test_every_command_has_help_and_takes_json() -> None:
    paths = _commands(typer.main.get_command(app))
    assert len(paths) > 20
    for path in paths:
        answer = trailseal(*path, "--help")
        assert answer.code == 0, path
        assert "Usage: trailseal" in answer.out
        if not any(other[: len(path)] == path for other in paths if other != path):  # no group of others
            assert "--json" in answer.out, path


def test_ctrl_c_ends_a_command_with_130_and_no_traceback(site: Site) -> None:
    reading, writing = os.pipe()
    arguments = ("append", "-", "--source", SOURCE, "--ledger", str(site.folder))
    process = subprocess.Popen(
        [*INTERRUPTIBLE, sys.executable, "-c", "from ledger.cli import main; main()", *arguments],
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(reading)
    try:
        _wait_until_it_reads(process)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=20)
    finally:
        os.close(writing)
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert b"Traceback" not in told


def _wait_until_it_reads(process: "subprocess.Popen[bytes]") -> None:
    """Returns once the process sleeps in a read of its standard input."""
    deadline = time.monotonic() + 20
    while "pipe_read" not in Path(f"/proc/{process.pid}/wchan").read_text():
        assert time.monotonic() < deadline, "it never reads"
        assert process.poll() is None
        time.sleep(0.05)


def test_serve_answers_its_health_and_ends_well_at_sigterm(site: Site) -> None:
    with Serving(site.folder) as serving:
        serving.start()
        assert httpx.get(f"{serving.address}/api/v1/health", timeout=5, trust_env=False).status_code == 200
        assert serving.command.end() == 0
        assert b"Traceback" not in serving.command.printed()


def test_a_zone_that_is_none_makes_no_ledger(tmp_path: Path) -> None:
    _told(trailseal("init", tmp_path / "new", "--origin", "plant.example/new", "--zone", "Mars/Base"), "Mars/Base")
    assert not (tmp_path / "new").exists()


def test_tiles_of_one_log_are_never_written_over_those_of_another(site: Site, tmp_path: Path) -> None:
    assert site("tiles", "export", "--out", tmp_path / "tiles").code == 0
    before = (tmp_path / "tiles" / "checkpoint").read_bytes()
    _told(site("tiles", "export", "--log", "system", "--out", tmp_path / "tiles"), "plant.example/cli/records")
    assert (tmp_path / "tiles" / "checkpoint").read_bytes() == before


@pytest.mark.parametrize(
    "command",
    [
        "verify",
        "append",
        "collect",
        "doctor",
        "serve",
        "demo",
        "rebuild",
        "package",
        "tiles export",
        "source add",
        "source test",
        "map who",
        "map where",
    ],
)
def test_help_names_the_exit_code_where_a_command_can_say_no(command: str) -> None:
    told = " ".join(trailseal(*command.split(), "--help").out.lower().split())
    assert "exit code" in told


def test_the_version_is_answered_and_a_mistyped_option_never_ends_with_an_answer_of_verify(tmp_path: Path) -> None:
    version = trailseal("--version")
    assert (version.code, version.out) == (0, f"trailseal {__version__}\n")
    for arguments in (
        ("verify", "--vkye", "x"),
        ("verify", tmp_path, "--workers", "many"),
        ("nothing",),
        ("source",),
        (),
    ):
        assert trailseal(*arguments).code == 1, arguments
