"""A PostgreSQL cluster of the tests' own, as durable as a production one, that never outlives its parent.

`PostgresServer` runs a cluster in a folder that its caller keeps (benchmark, soak, crash tests);
`temporary_postgres` runs one in a folder that goes away with it.
"""

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import psycopg
import pytest

ROLES_SQL = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sql"
SERVER_CONF = ROLES_SQL.with_name("server.conf")
_TEMPORARY = re.compile(r"trailseal-pg-(\d+)-\w+")
_START_SECONDS = 30.0
_DISCARDED = 16
"""Databases of 10 MB that wait to be removed together."""
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{sockets}'
password_encryption = 'scram-sha-256'
max_connections = 200
fsync = on
full_page_writes = on
synchronous_commit = on
recovery_init_sync_method = syncfs
log_line_prefix = '%m [%p] %q%u@%d '
"""


class PostgresUnavailable(RuntimeError):
    """No usable PostgreSQL server; the message says what to install or what its log says."""


class PgDatabase(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh, empty database; each address is one for SQLAlchemy with its role's password in it."""

    name: str
    owner_url: str
    runtime_url: str


def binaries() -> Path:
    """The folder of the server's programs: version 15, the one that is supported, before any other."""
    found = {
        int(path.parent.parent.name): path.parent
        for path in Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")
        if path.parent.parent.name.isdecimal()
    }
    if found:
        return found[15] if 15 in found else found[max(found)]
    on_path = shutil.which("initdb")
    if on_path is None:
        raise PostgresUnavailable("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    return Path(on_path).resolve().parent


class PostgresServer:
    """Runs the cluster in `directory` for the length of a `with` block; its data outlives the block.

    A new or empty folder is initialised, one used before is started again. The port stays the same until the
    block ends, over `kill` and `start` too. The server stops when the thread that started it ends, however it
    ends: start it from the main thread. As root it runs as the system user postgres, who must be able to reach
    the folder.
    """

    def __init__(self, directory: Path, settings: Path | None = None) -> None:
        """`settings`: a file of further ones, for a new cluster."""
        self.directory = directory.absolute()
        self._given = "" if settings is None else settings.read_text()
        self.port = 0
        self._data = self.directory / "data"
        self._secrets = self.directory / "passwords.json"
        self._passwords: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._discarded: list[PgDatabase] = []

    def __enter__(self) -> Self:
        if not self._data.exists():
            self._initialise()
        self._passwords = msgspec.json.decode(self._secrets.read_bytes(), type=dict[str, str])
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.port = 0

    @property
    def pid(self) -> int:
        """The process id of the running postmaster."""
        if self._process is None:
            raise PostgresUnavailable(f"the server in {self.directory} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the postmaster runs: it ends by itself where it cannot recover."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Returns once the server accepts connections; raises PostgresUnavailable with its log otherwise."""
        attempts = 1 if self.port else 3  # another process may take the free port in between
        for _ in range(attempts):
            if attempts > 1:
                self.port = _free_port()
            log = (self.directory / "server.log").open("ab")
            with log:
                server = (str(binaries() / "postgres"), "-D", str(self._data), "-p", str(self.port))
                self._process = subprocess.Popen(
                    [*_as_postgres("--pdeathsig", "INT"), *server],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.directory,
                    start_new_session=True,
                )
            if self._accepts_connections():
                return
            self.kill()
            if "could not bind" not in self._log_tail():
                break
        raise PostgresUnavailable(f"PostgreSQL did not start in {self.directory}:\n{self._log_tail()}")

    def stop(self) -> None:
        """Ends all sessions, writes a last checkpoint and waits until every process is gone."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def kill(self) -> None:
        """SIGKILLs the postmaster and all its processes, so that the next start has to recover from the log."""
        if self._process is None:
            return
        victims = [self._process.pid, *_children(self._process.pid)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(60)
        self._process = None
        deadline = time.monotonic() + 30
        while any(Path(f"/proc/{pid}").exists() for pid in victims):
            if time.monotonic() > deadline:
                raise PostgresUnavailable(f"processes of the killed server in {self.directory} do not end")
            time.sleep(0.01)

    def admin_dsn(self, database: str = "postgres") -> str:
        """A libpq connection string for the superuser, who no product code may ever be."""
        return self._url("postgresql", "postgres", database)

    def give(self, folder: Path) -> None:
        """Makes a folder the server's own."""
        if os.geteuid() == 0:
            shutil.chown(folder, _SERVER_USER, _SERVER_USER)

    def create_database(self, template: PgDatabase | None = None) -> PgDatabase:
        """A fresh database with the production roles, made by the production script; or a copy of `template`.

        Nobody may be connected to a template.
        """
        name = f"trailseal_{secrets.token_hex(6)}"
        if template is not None:
            self._copy(template.name, name)
        else:
            self._make(name)
        return PgDatabase(
            name=name,
            owner_url=self._url("postgresql+psycopg", "trailseal_owner", name),
            runtime_url=self._url("postgresql+psycopg", "trailseal_runtime", name),
        )

    def _make(self, name: str) -> None:
        environment = os.environ | {
            "TRAILSEAL_DATABASE": name,
            "TRAILSEAL_OWNER_PASSWORD": self._passwords["trailseal_owner"],
            "TRAILSEAL_RUNTIME_PASSWORD": self._passwords["trailseal_runtime"],
        }
        ran = subprocess.run(
            [str(binaries() / "psql"), "-X", "-q", "-f", str(ROLES_SQL), self.admin_dsn()],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise PostgresUnavailable(f"{ROLES_SQL.name} failed:\n{ran.stderr}")

    def _copy(self, template: str, name: str) -> None:
        names = {"name": psycopg.sql.Identifier(name), "template": psycopg.sql.Identifier(template)}
        with psycopg.connect(self.admin_dsn(), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL(
                    "CREATE DATABASE {name} OWNER trailseal_owner TEMPLATE {template} STRATEGY file_copy"
                ).format(**names)
            )
            # All of a template is copied but who may connect.
            connection.execute(
                "UPDATE pg_database AS made SET datacl = template.datacl FROM pg_database AS template"
                " WHERE template.datname = %s AND made.datname = %s",
                (template, name),
            )

    def drop_database(self, database: PgDatabase) -> None:
        """Removes a database, ending the sessions that still use it."""
        with psycopg.connect(self.admin_dsn(), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(database.name))
            )

    def discard(self, database: PgDatabase) -> None:
        """Removes a database that nobody needs any more, some time: each removal makes the server write all it holds.

        Right after another one there is nothing left to write.
        """
        self._discarded.append(database)
        if len(self._discarded) >= _DISCARDED:
            while self._discarded:
                self.drop_database(self._discarded.pop())

    def _initialise(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        sockets = self.directory / "sockets"
        sockets.mkdir(exist_ok=True)
        passwords = {role: secrets.token_hex(16) for role in ("postgres", "trailseal_owner", "trailseal_runtime")}
        password_file = self.directory / "superuser-password"
        for path, content in (
            (self._secrets, msgspec.json.encode(passwords)),
            (password_file, passwords["postgres"].encode()),
        ):
            path.touch(mode=0o600)
            path.write_bytes(content)
        if os.geteuid() == 0:
            for path in (self.directory, sockets, password_file):
                shutil.chown(path, _SERVER_USER, _SERVER_USER)
        initdb = (str(binaries() / "initdb"), "-D", str(self._data), "-U", "postgres")
        choices = ("--locale=C", "--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password_file}")
        ran = subprocess.run(
            [*_as_postgres(), *initdb, *choices],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        password_file.unlink()
        if ran.returncode != 0:
            raise PostgresUnavailable(f"initdb failed in {self.directory}:\n{ran.stdout}{ran.stderr}")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(sockets=sockets) + self._given)

    def _accepts_connections(self) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                return False
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.admin_dsn(), connect_timeout=5).close()
                return True
            time.sleep(0.05)
        return False

    def _log_tail(self) -> str:
        return "\n".join((self.directory / "server.log").read_text(errors="replace").splitlines()[-15:])

    def _url(self, scheme: str, role: str, database: str) -> str:
        return f"{scheme}://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"


@contextlib.contextmanager
def temporary_postgres(settings: Path | None = None) -> Iterator[PostgresServer]:
    """A cluster in a folder of its own that is removed at the end; folders of killed runs are removed first."""
    parent = Path(tempfile.gettempdir())
    _sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=f"trailseal-pg-{os.getpid()}-", dir=parent))
    try:
        with PostgresServer(directory, settings) as server:
            yield server
    finally:
        shutil.rmtree(directory, ignore_errors=True)


_SERVER_USER = "postgres"


def _as_postgres(*options: str) -> list[str]:
    """A command prefix that drops root's rights (PostgreSQL refuses to run with them) without another process."""
    if os.geteuid() != 0:
        return ["setpriv", *options] if options else []
    try:
        user = pwd.getpwnam(_SERVER_USER)
    except KeyError as error:
        raise PostgresUnavailable(f"the system user {_SERVER_USER} is missing") from error
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups", *options]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _sweep(parent: Path) -> None:
    for directory in parent.glob("trailseal-pg-*"):
        match = _TEMPORARY.fullmatch(directory.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            shutil.rmtree(directory, ignore_errors=True)


def chosen_database(request: pytest.FixtureRequest) -> PgDatabase | None:
    """What a fixture of the parameters `sqlite` and `postgresql` makes its ledger in: None, or a fresh database."""
    if request.param == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.create_database(request.getfixturevalue("postgres_template"))
