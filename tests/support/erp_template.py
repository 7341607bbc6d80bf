"""A seeded ERP for a test without its own dozen seconds of set-up: made once an environment, then copied.

`python -m tests.support.erp_template` makes it ahead of the tests, and the first test that needs it otherwise.
"""

import fcntl
import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Final

import pytest

from collectors.demo import erp, erp_seed
from collectors.demo.erp import ErpServer

_ROOT: Final = Path(__file__).parents[2]
_ENVIRONMENT: Final = _ROOT / ".venv" / "erp"
_MADE_BY: Final = (_ROOT / "requirements-erp.lock", Path(erp.__file__), Path(erp_seed.__file__), Path(__file__))


def seeded_erp_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder of its own for `ErpServer`, with database and users."""
    return copy_template(factory.mktemp(name) / "erp")


def copy_template(into: Path) -> Path:
    """Copies the environment's template, which is made where it is missing or another version made it."""
    made_by = hashlib.sha256(b"".join(path.read_bytes() for path in _MADE_BY)).hexdigest()
    template = _ENVIRONMENT / f"template-{made_by[:16]}"
    _ENVIRONMENT.mkdir(parents=True, exist_ok=True)
    with (_ENVIRONMENT / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (template / "ready").exists():
            for old in _ENVIRONMENT.glob("template-*"):
                shutil.rmtree(old)
            with ErpServer(template):
                pass
            (template / "ready").touch()
    shutil.copytree(template, into)
    return into


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        copy_template(Path(scratch) / "erp")
