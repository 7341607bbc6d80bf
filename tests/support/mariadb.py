"""A MariaDB server of the tests' own, in a folder that goes away with it; it never outlives the tests."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql

from collectors.demo.process import ServerProcess, free_port

_USER = "mysql"
_START_SECONDS = 60.0


class MariaDbUnavailable(RuntimeError):
    """No usable MariaDB server; the message says what to install or what its log says."""


class MariaDb:
    """A running server; `root` gives a session of its administrator, who comes by the socket alone."""

    def __init__(self, directory: Path, port: int) -> None:
        self.port = port
        self.socket = directory / "server.sock"

    def root(self, database: str | None = None) -> "pymysql.connections.Connection[Any]":
        """A session that commits each statement; close it, or use it in `with`."""
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)


@contextlib.contextmanager
def temporary_mariadb() -> Iterator[MariaDb]:
    """Raises MariaDbUnavailable where Debian's package mariadb-server is not installed."""
    install, server = shutil.which("mariadb-install-db"), shutil.which("mariadbd")
    if install is None or server is None:
        raise MariaDbUnavailable("no MariaDB server is installed (Debian: apt-get install mariadb-server)")
    directory = Path(tempfile.mkdtemp(prefix="trailseal-maria-"))
    try:
        yield from _run(directory, install, server)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(directory: Path, install: str, server: str) -> Iterator[MariaDb]:
    as_user = []
    if os.geteuid() == 0:
        pwd.getpwnam(_USER)
        shutil.chown(directory, _USER, _USER)
        as_user = [f"--user={_USER}"]
    data = directory / "data"
    ran = subprocess.run(
        [install, "--no-defaults", *as_user, f"--datadir={data}", "--auth-root-authentication-method=normal"],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise MariaDbUnavailable(f"mariadb-install-db failed:\n{ran.stdout}{ran.stderr}")
    maria = MariaDb(directory, free_port())
    command = [
        *("setpriv", "--pdeathsig", "TERM", server, "--no-defaults", *as_user),
        *(f"--datadir={data}", f"--socket={maria.socket}", f"--port={maria.port}", "--bind-address=127.0.0.1"),
        *("--innodb-buffer-pool-size=32M", "--performance-schema=OFF", "--skip-log-bin"),
    ]
    process = ServerProcess("MariaDB", command, directory / "server.log", {})
    try:
        process.wait_ready(lambda: _answers(maria), _START_SECONDS)
        yield maria
    finally:
        process.stop()


def _answers(maria: MariaDb) -> bool:
    with contextlib.suppress(pymysql.OperationalError):
        maria.root().close()
        return True
    return False
