"""GNU Health's laboratory, a real LIMS on Tryton 7.0, started as a process of its own from an environment of its own.

Its database takes most of a minute to make, so it is made once an environment and copied: `python -m
tests.support.gnuhealth` makes it ahead of the tests, and the first test that needs it otherwise. In it are an analyst,
a laboratory's administrator and the collector, who may read the laboratory's models and change nothing.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from collectors.demo.erp_client import ErpSession
from collectors.demo.process import NO_TLS, ServerProcess, free_port, new_secret, write_private

_ROOT: Final = Path(__file__).parents[2]
_ENVIRONMENT: Final = _ROOT / ".venv" / "gnuhealth"
_LOCK: Final = _ROOT / "requirements-gnuhealth.lock"
_DATABASE = "lims"
_USERS = "users.json"
_GROUPS: Final = {"analyst1": ("Health Lab",), "manager1": ("Health Lab", "Health lab Administration"), "collector": ()}
_INIT_SECONDS = 300.0
_READY_SECONDS = 60.0
_ANALYTES: Final = {"name": "Content", "code": "CONTENT", "lower_limit": 95.0, "upper_limit": 105.0}


class Lims:
    """A running server with the database of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: ServerProcess | None = None
        users = folder / _USERS
        if not users.exists():
            write_private(users, json.dumps({user: new_secret() for user in ("admin", *_GROUPS)}))
        self.passwords: dict[str, str] = json.loads(users.read_text(encoding="utf-8"))

    @property
    def url(self) -> str:
        """Before Tryton 8.0 an address has no `rpc/`."""
        return f"http://127.0.0.1:{self._port}/{_DATABASE}/"

    def session(self, user: str) -> ErpSession:
        return ErpSession(self.url, user, self.passwords[user])

    def start(self) -> None:
        config = self._configure()
        command = [str(_ENVIRONMENT / "bin" / "trytond"), "-c", str(config), "-d", _DATABASE]
        process = ServerProcess("LIMS", command, self._folder / "lims.log", {})
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def make(self) -> None:
        """Creates the database with the laboratory's modules, then people and a test method."""
        config = self._configure()
        (self._folder / f"{_DATABASE}.sqlite").touch(mode=0o600)  # trytond-admin wants it to be there
        secret = self._folder / "admin-password"
        write_private(secret, self.passwords["admin"])
        command = [
            str(_ENVIRONMENT / "bin" / "trytond-admin"), "-c", str(config), "-d", _DATABASE, "-u", "health_lab",
            "--activate-dependencies", "--email", "admin@lims.example",
        ]  # fmt: skip
        with (self._folder / "lims.log").open("ab") as log:
            subprocess.run(
                command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=_INIT_SECONDS,
                env={**os.environ, "TRYTONPASSFILE": str(secret)},
            )  # fmt: skip
        secret.unlink()
        with self, self.session("admin") as admin:
            _seed(admin, self.passwords)

    def _configure(self) -> Path:
        config = self._folder / "trytond.conf"
        config.write_text(
            f"[database]\nuri = sqlite://\npath = {self._folder}\n"
            f"[web]\nlisten = 127.0.0.1:{self._port}\n[session]\nauthentications = password\n",
            encoding="utf-8",
        )
        return config

    def _answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self._port}/", timeout=1.0, verify=NO_TLS)
        except httpx.TransportError:
            return False
        return True


def _seed(admin: ErpSession, passwords: dict[str, str]) -> None:
    reading = admin.create("res.group", name="Audit Trail Collector")
    models = admin.call("model.ir.model.search_read", [["model", "like", "gnuhealth.%"]], 0, None, None, ["model"])
    denied: dict[str, Any] = {"perm_write": False, "perm_create": False, "perm_delete": False}
    rights = [{"model": model["id"], "group": reading, "perm_read": True, **denied} for model in models]
    admin.call("model.ir.model.access.create", rights)
    for user, groups in _GROUPS.items():
        chosen = [admin.find_one("res.group", ["name", "=", name]) for name in groups] or [reading]
        admin.create("res.user", name=user, login=user, password=passwords[user], groups=[["add", chosen]])
    professional = admin.create(
        "party.party", name="Manager 1", is_person=True, is_healthprof=True, gender="f", fed_country="XXX",
        internal_user=admin.find_one("res.user", ["login", "=", "manager1"]),
    )  # fmt: skip
    admin.create("gnuhealth.healthprofessional", party=professional)
    unit = admin.create("gnuhealth.lab.test.units", name="percent of label", code="pol")
    admin.create(
        "gnuhealth.lab.test_type", name="Assay", code="ASSAY", product_id=admin.find("product.product")[0],
        critearea=[["create", [{**_ANALYTES, "units": unit}]]],
    )  # fmt: skip


def sample(session: ErpSession, lot: str) -> int:
    """An analyst opens a test of a lot, with the analyte of its method."""
    method = session.find_one("gnuhealth.lab.test_type", ["code", "=", "ASSAY"])
    unit = session.find_one("gnuhealth.lab.test.units", ["code", "=", "pol"])
    return session.create(
        "gnuhealth.lab", test=method, source_type="other_source", other_source=lot,
        critearea=[["create", [{**_ANALYTES, "units": unit}]]],
    )  # fmt: skip


def lims_folder(into: Path) -> Path:
    """A folder of its own for `Lims`, copied from the environment's template, which is made where it is missing."""
    made_by = hashlib.sha256(_LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    template = _ENVIRONMENT / f"template-{made_by[:16]}"
    with (_ENVIRONMENT / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (template / "ready").exists():
            for old in _ENVIRONMENT.glob("template-*"):
                shutil.rmtree(old)
            template.mkdir(mode=0o700)
            Lims(template).make()
            (template / "ready").touch()
    shutil.copytree(template, into)
    return into


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        lims_folder(Path(scratch) / "lims")
