"""An audit log in the form that auditd 3 writes; an administrator adds accounts, whose names are people's texts."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from itertools import count

import pytest

from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.conformance.targets.tail import slow_share
from tests.support.tested import Tested


class LinuxAuditTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="Linux audit (auditd)",
            type="linux-audit",
            against="lines of auditd 3.0, some of its own making and more of the same form",
            holds="sign-ins, accounts, watched files, commands, time and rule changes",
        ),
    )
    credential = None
    no_credential = "a file is read with the rights of the collector's own account"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # a name in the log ends at U+0000
    no_clock = "the log does not say what time its host has now"
    no_numbers = "the kernel's serial counts what the rules leave out, too"
    no_other_facts = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("audit")
        self._logs, self._away = folder / "logs", folder / "away"
        self._logs.mkdir()
        self._file = self._logs / "audit.log"
        self.place, self.secrets = str(self._file), {}
        self._serials = count(1)
        mapping = template("linux-audit").text
        options = {"path": self.place}
        self.config = SourceConfig(id="host", type="linux-audit", title="Host", options=options, mapping=mapping)
        self._say(("DAEMON_START", "op=start ver=3.0.9 format=raw kernel=6.1.0-13-amd64 auid=0 pid=411 res=success"))
        self._switch(1)
        self.work(["the first account"])

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._logs)

    def stop(self) -> None:
        self._logs.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        self._write(b"".join(self._line(text) for text in texts))

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        self._switch(0)
        yield "audit_trail"
        self._switch(1)

    def _switch(self, on: int) -> None:
        """As the kernel says that auditing was switched on or off."""
        change = f"op=set audit_enabled={on} old=1 auid=0 ses=1 res=1"
        self._say(("CONFIG_CHANGE", change), ("PROCTITLE", 'proctitle="auditctl"'))

    def _say(self, *lines: tuple[str, str]) -> None:
        now = SystemClock().now_us() // 1000
        stamp = f"{now // 1000}.{now % 1000:03}:{next(self._serials)}"
        self._write("".join(f"type={kind} msg=audit({stamp}): {says}\n" for kind, says in lines).encode())

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        with slow_share():
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        line = self._line(text)
        cut = int(len(line) * share)
        self._write(line[:cut])
        yield
        self._write(line[cut:])

    def _line(self, text: str) -> bytes:
        """As libaudit writes an account's name: in quotes, or hexadecimal where it is not plain."""
        plain = text.isascii() and text.isprintable() and not set(text) & {" ", '"'}
        name = f'"{text}"' if plain else text.encode().hex().upper()
        now = SystemClock().now_us() // 1000
        stamp = f"{now // 1000}.{now % 1000:03}:{next(self._serials)}"
        message = f'op=adding user acct={name} exe="/usr/sbin/useradd" hostname=host1 addr=? terminal=pts/0 res=success'
        head = f"type=ADD_USER msg=audit({stamp}): pid=4711 uid=0 auid=1000 ses=3 msg='{message}'"
        time.sleep(0.001)
        return f'{head}\x1dUID="root" AUID="admin1"\n'.encode()

    def _write(self, data: bytes) -> None:
        with self._file.open("ab") as file:
            file.write(data)


def make(factory: pytest.TempPathFactory) -> Target:
    return LinuxAuditTarget(factory)
