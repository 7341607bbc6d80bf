"""The demo's ERP: a real Tryton server (GPL), started as a process of its own and reached by its RPC alone.

What Tryton 8.2 records of itself, read from its source and tried with these modules:

- `ir.model.log` (`trytond/model/modelstorage.py`, `modelview.py`, `workflow.py`): one row for each record and event, of
  every model whose name does not start with `ir.`; there is no opt-in for single models. Rows arise only for work that
  Tryton checks access for, that is, for what a signed-in user asks by RPC; what a button's code then does inside is
  not logged, except transitions, which always are. Fields: `create_date`, `user`, `resource` ("model,id"), `event` and
  `target`:

  | event | target |
  | --- | --- |
  | write | the field names sent, sorted, joined by commas; no values, and also when the value stays the same |
  | delete | null |
  | button | the button's name (`wait`, `run`, `do`, …) |
  | wizard | `name:state` |
  | transition | `field:new value` (`state:running`) |

  A creation leaves no row. Creating or changing lines through their owner logs the owner's field (`inputs`) and, for
  a changed line, the line's own write.
- Every stored model has `create_date`, `create_uid`, `write_date`, `write_uid` (the last two null until the first
  write). So a creation is found by `create_date`, and only the latest write keeps its time here.
- Times are naive datetimes in UTC with microseconds (trytond sets TZ=UTC for itself).
- Ids of `ir.model.log` on SQLite rise without gaps: a transaction that fails gives its ids back.
- When a record is deleted, `resource` of all its rows reads as null from then on, though the table keeps it: a search
  by `["resource", "=", "production.bom,7"]` still finds them. Not so for the collector where record rules stand (by
  company: production, lots' moves, shipments, inventories): Tryton refuses a search that names a record it cannot
  check. There a deletion is told by its row (who, when) and by the record's absence from the next look.

The user `collector` may read the business and change nothing (`collectors/demo/erp_seed.py`). Tryton refuses to any
user but an administrator a *search* of `ir.model.log` that does not name the resources (clause `resource` with `=` or
`in`), but it permits a *read* of rows by id, for as long as every row's model may be read. So the collector reads ids
onward from its cursor; an id that does not exist yet makes the whole read fail ("records … that don't exist"). An
administrator may search freely, but then may also change everything.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from collectors.demo.erp_client import ErpSession
from collectors.demo.erp_seed import USER_GROUPS, seed
from collectors.demo.process import NO_TLS, ServerProcess, free_port, new_secret, spawn, write_private
from ledger.core.errors import ConfigError, FatalSource

PYTHON_VARIABLE = "TRAILSEAL_ERP_PYTHON"
MODULES = ("product", "stock", "stock_lot", "production")
ADMIN = "admin"
_DATABASE = "erp"
_USERS_FILE = "erp-users.json"
_LOG_FILE = "erp.log"
_READY_MARK = "erp-seeded"
_INIT_SECONDS = 180.0
_READY_SECONDS = 30.0


def erp_python() -> Path:
    """The Python that Tryton is installed for; raises ConfigError when there is none."""
    chosen = Path(os.environ.get(PYTHON_VARIABLE, Path(sys.prefix) / "erp" / "bin" / "python"))
    if not (chosen.parent / "trytond").exists():
        raise ConfigError(
            f"the demo's ERP is not installed: no trytond beside {chosen}",
            advice=f"Run `make setup`, or set {PYTHON_VARIABLE} to the Python of an environment with trytond 8.2.",
        )
    return chosen


class ErpServer:
    """A running Tryton on loopback, for as long as the context is entered; database and secrets stay in `folder`.

    The first start of a folder creates and seeds the database (10 to 20 s), later ones take it as it is. A first start
    that was broken off begins anew. Passwords are random, made once a folder, and stand only in a file that its owner
    alone can read.
    """

    database = _DATABASE

    def __init__(self, folder: Path, python: Path | None = None) -> None:
        self._folder = folder
        self._bin = (python or erp_python()).parent
        self._port = free_port()
        self._process: ServerProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        users = folder / _USERS_FILE
        if not users.exists():
            write_private(users, json.dumps({user: new_secret() for user in (ADMIN, *USER_GROUPS)}))
        self.passwords: dict[str, str] = json.loads(users.read_text(encoding="utf-8"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/{_DATABASE}/rpc/"

    @property
    def admin_password(self) -> str:
        return self.passwords[ADMIN]

    @property
    def users_file(self) -> Path:
        """JSON object: user name → password, `admin` included."""
        return self._folder / _USERS_FILE

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def session(self, user: str) -> ErpSession:
        """Signs in one of the seeded users."""
        return ErpSession(self.url, user, self.passwords[user])

    def start(self) -> None:
        """Returns when the ERP answers and holds its master data; raises FatalSource or RetriableSource."""
        mark = self._folder / _READY_MARK
        config = self._folder / "trytond.conf"
        config.write_text(self._config(), encoding="utf-8")
        if not mark.exists():
            self._create_database(config)
        process = ServerProcess(
            "ERP",
            [str(self._bin / "trytond"), "-c", str(config), "-d", _DATABASE],
            self._folder / _LOG_FILE,
            {},
        )
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process
        if not mark.exists():
            try:
                with self.session(ADMIN) as admin:
                    seed(admin, self.passwords)
            except BaseException:
                self.stop()
                raise
            mark.touch()

    def stop(self) -> None:
        """Ends the server; nothing happens when it does not run."""
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

    def _config(self) -> str:
        return (
            f"[database]\nuri = sqlite://\npath = {self._folder}\n"
            f"[web]\nlisten = 127.0.0.1:{self._port}\n"
            "[session]\nauthentications = password\n"
        )

    def _create_database(self, config: Path) -> None:
        """trytond-admin wants the SQLite file to be there, and the administrator's password in a file."""
        file = self._folder / f"{_DATABASE}.sqlite"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        secret = self._folder / "erp-admin-password"
        write_private(secret, self.admin_password)
        command = [
            str(self._bin / "trytond-admin"),
            "-c",
            str(config),
            "-d",
            _DATABASE,
            "-u",
            *MODULES,
            "--activate-dependencies",
            "--email",
            "admin@erp.example",
        ]
        try:
            self._run_to_its_end(command, {"TRYTONPASSFILE": str(secret)})
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as failure:
            raise FatalSource(
                f"the demo's ERP could not create its database: {failure}",
                advice=f"Read {self._folder / _LOG_FILE}; with the folder removed the demo starts afresh.",
            ) from failure
        finally:
            secret.unlink()

    def _run_to_its_end(self, command: list[str], environment: dict[str, str]) -> None:
        child = spawn(command, self._folder / _LOG_FILE, environment, own_session=False)
        try:
            code = child.wait(_INIT_SECONDS)
        except BaseException:
            child.kill()
            child.wait()
            raise
        if code:
            raise subprocess.CalledProcessError(code, command)

    def _answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self._port}/", timeout=1.0, verify=NO_TLS)
        except httpx.TransportError:
            return False
        return True
