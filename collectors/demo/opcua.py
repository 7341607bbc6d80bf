"""The demo's control system: a real OPC UA server (asyncua) with users, write auditing, an alarm and history.

`OpcUaServer` starts it as a process of its own; `python -m collectors.demo.opcua FOLDER PORT` is that process. Where
to find what:

- units, tags, users and rights: `collectors/demo/opcua_plant.py`;
- fields of the audit events: `collectors/demo/opcua_audit.py`; of the alarm: `collectors/demo/opcua_alarm.py`;
- a client subscribes to events at the Server object (i=2253) and gets all of them. It must select the fields of the
  concrete types (AuditWriteUpdateEventType, AuditUpdateMethodEventType, AuditConditionAcknowledgeEventType,
  AuditActivateSessionEventType, AuditSessionEventType, ExclusiveLevelAlarmType): the fields of AuditEventType or
  ConditionType alone hold no old value and no alarm state;
- it may read what it missed from the event history of the same object, over a restart too, and the raw history of
  every tag that people write; the type filter holds there as well;
- engineer1 may edit that raw history afterwards (HistoryUpdate); who did is kept as modified values
  (`collectors/demo/opcua_history_edit.py`);
- security policies None and Basic256Sha256 (sign and encrypt) with a self-signed certificate; only users of the plant
  may sign in, and their passwords are encrypted by both;
- ConditionRefresh is served, so a client that connects late can ask for the alarms that still count.
"""

import argparse
import asyncio
import json
import logging
import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from collectors.demo.opcua_plant import USER_RIGHTS
from collectors.demo.opcua_server import USERS_FILE, serve
from collectors.demo.process import ServerProcess, free_port, new_secret, write_private

LOG_FILE = "opcua.log"
_READY_SECONDS = 30.0


class OpcUaServer:
    """A running OPC UA server on loopback, for as long as the context is entered; keeps its state in `folder`.

    The port is chosen once, so that a restart comes back under the same address. Passwords are random, made once a
    folder, and stand only in a file that its owner alone can read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: ServerProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)
        users = folder / USERS_FILE
        if not users.exists():
            write_private(users, json.dumps({user: new_secret() for user in USER_RIGHTS}))
        self.passwords: dict[str, str] = json.loads(users.read_text(encoding="utf-8"))

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self._port}/"

    @property
    def users_file(self) -> Path:
        """JSON object: user name → password."""
        return self._folder / USERS_FILE

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Returns when the server accepts connections; raises RetriableSource when it does not come up."""
        process = ServerProcess(
            "OPC UA server",
            [sys.executable, "-m", "collectors.demo.opcua", str(self._folder), str(self._port)],
            self._folder / LOG_FILE,
            {},
        )
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process

    def stop(self) -> None:
        """Ends the server in an orderly way; nothing happens when it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Ends the server as a power cut would: sessions and subscriptions are gone, written values are kept."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Kills the server and starts it on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def main() -> None:
    """The server process: serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m collectors.demo.opcua", description=main.__doc__)
    parser.add_argument("folder", type=Path, help=f"holds {USERS_FILE} and the history")
    parser.add_argument("port", type=int, help="TCP port on 127.0.0.1")
    arguments = parser.parse_args()
    os.umask(0o077)  # the folder holds a private key
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(arguments.folder, arguments.port))


if __name__ == "__main__":
    main()
