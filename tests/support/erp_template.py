"""A seeded ERP for a test module without its own dozen seconds of set-up: made once a test run, then copied."""

import fcntl
import shutil
from pathlib import Path

import pytest

from collectors.demo.erp import ErpServer


def seeded_erp_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder of its own for `ErpServer`, with database and users; all workers of a test run share the template."""
    root = factory.getbasetemp()
    if root.name.startswith("popen-gw"):  # a worker of pytest-xdist; the run's own folder is above
        root = root.parent
    template, ready = root / "erp-template", root / "erp-template-ready"
    with (root / "erp-template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            shutil.rmtree(template, ignore_errors=True)
            with ErpServer(template):
                pass
            ready.touch()
    folder = factory.mktemp(name) / "erp"
    shutil.copytree(template, folder)
    return folder
