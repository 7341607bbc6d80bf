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
    assert not {"alembic", "zxcvbn", "pyasn1_modules.rfc5652", "reportlab", "litestar"} & set(loaded)


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
