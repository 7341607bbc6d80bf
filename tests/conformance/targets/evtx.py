"""A security log as Windows writes it, by the tests' own writer; people's texts are the names of processes."""

import contextlib
import os
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest

from collectors.infra import tail_files
from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.evtx_writer import Event, write_log
from tests.support.tested import Tested


class EvtxTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="Windows event logs",
            type="evtx",
            against="files after MS-EVEN6, written by the tests",
            holds="what the audit policy logs: sign-ins, accounts, groups, policies, time; numbered without gaps",
        ),
    )
    credential = None
    no_credential = "a file is read with the rights of the collector's own account"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # a string in an event ends at U+0000
    no_clock = "a file does not say what time its host has"
    no_numbers = ""
    no_other_facts = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("evtx")
        self._logs, self._away = folder / "logs", folder / "away"
        self._logs.mkdir()
        self._file = self._logs / "Security.evtx"
        self.place, self.secrets = str(self._file), {}
        mapping = template("windows-security").text
        options = {"path": str(self._file)}
        self.config = SourceConfig(id="windows", type="evtx", title="Windows", options=options, mapping=mapping)
        self._events: list[Event] = []
        self._next = 1
        self.work(["the first process"])

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._logs)

    def stop(self) -> None:
        self._logs.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        self._write([self._event(text) for text in texts])

    def lose(self, texts: Sequence[str]) -> None:
        first, *_, last = [self._event(text) for text in texts]
        self._write([first, last])

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        """The log is written by a Windows that writes format 3.2 (since Windows 10, version 2004)."""
        before = self._file.read_bytes()
        head = bytearray(before[:120])
        head[36:38] = struct.pack("<H", 2)
        self._file.write_bytes(bytes(head) + before[120:124] + struct.pack("<I", zlib.crc32(head)) + before[128:])
        yield "schema"
        self._file.write_bytes(before)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A share that answers late, and with less than was asked for."""
        real = os.pread

        def pread(descriptor: int, size: int, offset: int) -> bytes:
            time.sleep(0.005)
            return real(descriptor, min(size, 3000), offset)

        with patch.object(tail_files, "pread", pread):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """The log is read while Windows writes the record."""
        before = self._file.read_bytes()
        self.work([text])
        whole = self._file.read_bytes()
        size = min(len(before), len(whole))
        new = [at for at in range(4096, size) if before[at] != whole[at]] or [size]
        self._file.write_bytes(whole[: new[-1] - int((1 - share) * 200)])
        yield
        self._file.write_bytes(whole)

    def _event(self, text: str) -> Event:
        self._next += 1
        data = {"SubjectUserName": "operator1", "SubjectDomainName": "PLANT", "NewProcessName": text}
        return Event(record=self._next - 1, id=4688, at=datetime.now(UTC), data=data)

    def _write(self, events: Sequence[Event]) -> None:
        self._events += events
        part = Path(f"{self._file}.part")
        write_log(part, self._events)
        part.replace(self._file)


def make(factory: pytest.TempPathFactory) -> Target:
    return EvtxTarget(factory)
