"""What a command loads: it starts quickly, and collects garbage while it runs."""

import gc
import subprocess
import sys

import pytest

from ledger import cli
from ledger.cli import app

_ASK = """
import sys
import ledger.cli.app
print(*sys.modules)
"""


def test_what_few_commands_need_is_not_loaded_by_all() -> None:
    loaded = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=True).stdout.split()
    assert "ledger.service" in loaded
    few = {"alembic", "zxcvbn", "pyasn1_modules.rfc5652", "reportlab", "litestar", "rfc3161_client", "asn1crypto"}
    assert not few & set(loaded)


def test_a_witness_loads_nothing_of_a_ledger() -> None:
    ask = """
import sys
import ledger.cli, ledger.trust.witness.serving
ledger.cli._run_of(["witness", "serve"])
print(*sys.modules)
"""
    loaded = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.split()
    ours = {name.split(".")[1] for name in loaded if name.startswith("ledger.")}
    assert ours == {"cli", "core", "listener", "present", "request_head", "trust"}
    assert not {"sqlalchemy", "ledger.trust.keys", "ledger.trust.publisher", "ledger.cli.app"} & set(loaded)
    assert {name.split(".")[2] for name in loaded if name.startswith("ledger.trust.")} == {
        "files",
        "providers",
        "witness",
    }


def test_a_witness_is_told_from_all_other_commands() -> None:
    from ledger.cli import witness
    from ledger.cli.witness_alone import run

    own = {one.name or one.callback.__name__ for one in witness.group.registered_commands if one.callback}
    assert own >= cli.WITNESS
    for name in cli.WITNESS:
        assert cli._run_of(["witness", name, "DIR"]) is run
    for others in ([], ["witness"], ["witness", "--help"], ["witness", "add"], ["verify"], ["serve"]):
        assert cli._run_of(others) is app.run


def test_garbage_is_collected_once_all_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def run(_: object) -> int:
        seen.append(gc.isenabled())
        return 0

    monkeypatch.setattr(app, "run", run)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    gc.unfreeze()
    assert (ended.value.code, seen) == (0, [True])
