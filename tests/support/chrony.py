"""A real chronyd of the tests' own, and the server that it follows: on free ports of the loopback address, started so
that it never touches this machine's clock (`-x`).
"""

import getpass
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from collectors.demo.process import ServerProcess, free_port

PROGRAM = "/usr/sbin/chronyd"
_SERVER = """
local stratum 3
port {port}
bindaddress 127.0.0.1
allow 127.0.0.1
cmdport 0
pidfile {folder}/server.pid
bindcmdaddress /
"""
_CLIENT = """
server 127.0.0.1 port {server} minpoll -2 maxpoll -2 iburst{options}
sourcedir {folder}/sources
port 0
cmdport {port}
bindcmdaddress 127.0.0.1
bindcmdaddress {run}/client.sock
pidfile {folder}/client.pid
logdir {folder}
log tracking
logchange 0.1
"""


class Chronyd:
    """Follows a server of its own once started; `port` takes chronyc's reading commands, the same over restarts.

    `options` are of its server: with `offset 2.5` that is seconds ahead.
    """

    def __init__(self, folder: Path, options: str = "") -> None:
        assert shutil.which(PROGRAM), "chronyd is not installed (Debian: apt-get install chrony)"
        self.folder, self.port, self._ntp = folder, free_port(), _free_udp_port()
        self.log, self.tracking = folder / "chronyd.log", folder / "tracking.log"
        (folder / "sources").mkdir()
        # The path of a socket has to be short, and a test's folder may have a long one. chronyd wants it for itself.
        self._run = Path(tempfile.mkdtemp(prefix="c"))
        self._run.chmod(0o750)
        self._names: list[str] = []
        (folder / "server.conf").write_text(_SERVER.format(folder=folder, port=self._ntp))
        client = _CLIENT.format(
            folder=folder, run=self._run, port=self.port, server=self._ntp, options=f" {options}".rstrip()
        )
        (folder / "client.conf").write_text(client)
        self._server: ServerProcess | None = None
        self._client: ServerProcess | None = None

    def start(self) -> None:
        """Returns once its clock is synchronised, as it says."""
        self._start("server", "-d")
        self._start("client", "-n", "-l", str(self.log))

    def stop(self) -> None:
        for process in (self._client, self._server):
            if process is not None:
                process.stop()
        self._server = None
        self._client = None
        shutil.rmtree(self._run, ignore_errors=True)

    def stop_server(self) -> None:
        assert self._server is not None
        self._server.stop()

    def follow(self, *names: str) -> None:
        """Somebody names more sources of time, and has chronyd read them."""
        self._names += names
        self.follow_only(*self._names)

    def follow_only(self, *names: str) -> None:
        """The same, and those of before are named no longer."""
        self._names = list(names)
        lines = "".join(f"server {name}\n" for name in names)
        (self.folder / "sources" / "site.sources").write_text(lines)
        self.command("reload sources")

    def command(self, command: str) -> str:
        """What chronyc, by the socket of the one who may command, answers."""
        socket_path = self._run / "client.sock"
        ran = subprocess.run(
            ["chronyc", "-h", str(socket_path), "-m", command], capture_output=True, timeout=20, check=False
        )
        return ran.stdout.decode()

    def tracking_line(self) -> str:
        command = ["chronyc", "-c", "-h", "127.0.0.1", "-p", str(self.port), "tracking"]
        return subprocess.run(command, capture_output=True, timeout=20, check=False).stdout.decode()

    def wait(self, word: str) -> None:
        """Returns once its log says so."""
        deadline = time.monotonic() + 20
        while word not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def _start(self, name: str, *options: str) -> None:
        conf = self.folder / f"{name}.conf"
        command = (PROGRAM, "-x", "-U", "-u", getpass.getuser(), *options, "-f", str(conf))
        process = ServerProcess("chronyd", command, self.folder / f"{name}.out", {})
        if name == "server":
            self._server = process
        else:
            self._client = process
            process.wait_ready(lambda: self.tracking_line().rstrip().endswith("Normal"), 20)


def _free_udp_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
