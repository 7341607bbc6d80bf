"""`trailseal demo --once`, as a person runs it: a process of its own, real servers, one package at the end.

In `make soak` its folder is empty; in `make test` the ERP's database is in it, made by the same first start before.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger.core.note import NoteSigner
from tests.cli.terminal import trailseal
from tests.support.erp_template import copy_template
from tests.support.serving import INTERRUPTIBLE

pytestmark = pytest.mark.timeout(300)
_MAIN = "from ledger.cli import main; main()"


def _once(folder: Path) -> tuple[int, list[str], str]:
    """Exit code, lines of standard output, standard error; the whole group of processes ends with this call."""
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "demo", "--once", "--dir", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=270)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, out.splitlines(), err


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("once") / "demo"
    if "TRAILSEAL_SOAK" not in os.environ:
        copy_template(folder / "erp")
    code, lines, err = _once(folder)
    assert code == 0, err
    answer = json.loads(lines[-1])
    assert isinstance(answer, dict)
    return answer


def _json(arguments: Sequence[str]) -> Any:
    ended = trailseal(*arguments, "--json")
    assert ended.code == 0, ended.err
    return ended.json()


def test_the_last_line_names_package_ledger_records_checkpoint_and_key(done: dict[str, Any]) -> None:
    assert set(done) == {"package", "ledger", "records", "checkpoint", "vkey", "signatures", "tsa_root"}
    assert done["signatures"] == 2
    assert Path(done["package"]).is_file()
    assert Path(done["ledger"]).is_dir()
    assert done["checkpoint"] >= done["records"] >= 100


def test_every_source_gave_records(done: dict[str, Any]) -> None:
    totals = {
        source: _json(["search", "--source", source, "--limit", "1", "--ledger", done["ledger"]])["total"]
        for source in ("erp", "dcs", "plc", "mes", "recipes", "gateway")
    }
    assert min(totals.values()) > 0
    assert sum(totals.values()) == done["records"]


def test_the_package_holds_under_the_key_of_the_line_and_under_no_other(done: dict[str, Any]) -> None:
    key = done["vkey"]
    stranger = str(NoteSigner(key.split("+")[0], b"\x07" * 32).verifier)
    codes = [
        trailseal("verify", done["package"], *option).code for option in (("--vkey", key), (), ("--vkey", stranger))
    ]
    assert codes == [0, 2, 1]


def test_at_least_half_of_the_batch_records_of_the_control_system_are_derived(done: dict[str, Any]) -> None:
    found = _json(["search", "--ledger", done["ledger"], "--source", "dcs", "--limit", "500"])
    assert found["next_before"] is None
    ours = {one["index"] for one in found["found"]}
    production = _json(["search", "--ledger", done["ledger"], "--object-type", "production", "--limit", "1"])
    shown = _json(["show", str(production["found"][0]["index"]), "--ledger", done["ledger"]])
    (batch,) = {link["id"] for link in json.loads(shown["body"])["record"]["links"] if link["kind"] == "batch"}
    members = _json(["trace", "batch", batch, "--ledger", done["ledger"]])["members"]
    basis = Counter(one["member"]["basis"] for one in members if one["member"]["index"] in ours)
    assert basis["derived"] >= basis.total() / 2 > 0
    batch_indices = {one["member"]["index"] for one in members}
    for source in ("erp", "mes"):
        found = _json(["search", "--ledger", done["ledger"], "--source", source, "--limit", "500"])
        assert batch_indices & {one["index"] for one in found["found"]}, f"the batch shows what {source} tells"


def _running_in(folder: Path) -> list[str]:
    """The command lines of all processes that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found += [line] if str(folder) in line else []
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_ended_while_it_starts_leaves_no_server_and_no_traceback(
    tmp_path: Path, number: signal.Signals
) -> None:
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [*INTERRUPTIBLE, sys.executable, "-c", _MAIN, "demo", "--dir", str(folder)],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while len(_running_in(folder)) < 2:
            assert time.monotonic() < deadline, "the ERP does not start"
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        _, told = process.communicate(timeout=60)
        assert _running_in(folder) == []
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert b"Traceback" not in told


def test_the_package_says_by_when_its_records_existed(done: dict[str, Any]) -> None:
    checked = trailseal("verify", done["package"], "--vkey", done["vkey"], "--tsa-root", done["tsa_root"])
    assert checked.code == 0, checked.out
    assert "records are dated from outside the log: all of these existed by" in checked.out
    assert "by an authority whose root was given from outside" in checked.out
