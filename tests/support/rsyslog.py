"""A real rsyslogd of the tests' own: takes messages on a TCP port of the loopback address, and does with them what its
configuration says."""

import os
import shutil
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from collectors.demo.process import ServerProcess, free_port

PROGRAM = "/usr/sbin/rsyslogd"
_HEAD = """
global(workDirectory="{folder}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
module(load="imtcp")
input(type="imtcp" port="{port}" address="127.0.0.1")
"""


class Rsyslog:
    """Runs rsyslogd with `rules` in a folder; `port` is the same over stop and start."""

    def __init__(self, folder: Path, rules: str) -> None:
        assert shutil.which(PROGRAM), "rsyslogd is not installed (Debian: apt-get install rsyslog rsyslog-gnutls)"
        self.folder = folder
        self.port = free_port()
        self._conf = folder / "rsyslog.conf"
        self._conf.write_text(_HEAD.format(folder=folder, port=self.port) + rules)
        self._process: ServerProcess | None = None

    def start(self) -> None:
        command = (PROGRAM, "-n", "-f", str(self._conf), "-i", str(self.folder / "rsyslogd.pid"))
        self._process = ServerProcess("rsyslogd", command, self.folder / "rsyslogd.log", {})
        self._process.wait_ready(self._accepts, 20)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def reopen(self) -> None:
        """Asks it to close its files and open them anew, as after a rotation."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGHUP)

    def send(self, messages: Iterable[bytes]) -> None:
        """Sends messages of RFC 5424, octet-counted."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            for message in messages:
                connection.sendall(b"%d %s" % (len(message), message))

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False
