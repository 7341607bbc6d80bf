"""rsyslog writes messages as lines of JSON; people's texts are the messages."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest

from collectors.infra import tail_files
from ledger.core.clock import SystemClock, utc_text
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.rsyslog import Rsyslog
from tests.support.tested import Tested

RULES = """
template(name="lines" type="list" option.jsonf="on") {{
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
*.* action(type="omfile" file="{file}" template="lines")
"""
MAPPING = """
name = "rsyslog-lines"
version = 1
title = "rsyslog: messages as lines of JSON"
drivers = ["tail"]
[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { text = "update" }
occurred_at = "entry.time"
object = { type = { text = "host" }, id = "entry.host" }
actor.account = "entry.app"
[[record.changes]]
attribute = { text = "message" }
new = "entry.message"
"""


@contextlib.contextmanager
def slow_share() -> Iterator[None]:
    """A file share that answers late, and with less than was asked for."""

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        time.sleep(0.01)
        return os.pread(descriptor, min(size, 700), offset)

    with patch.object(tail_files, "pread", pread):
        yield


class TailTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="log files (JSON, logfmt, CSV, columns, patterns)",
            type="tail",
            against="files that rsyslog 8.2302 writes",
            holds="what their lines say",
        ),
    )
    credential = None
    no_credential = "a file is read with the rights of the collector's own account"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # rsyslog itself writes U+0000 as #000
    no_clock = "a file does not say what time its writer has"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("tail")
        self._logs, self._away = folder / "logs", folder / "away"
        self._logs.mkdir()
        self._file = self._logs / "messages.jsonl"
        self._server = Rsyslog(folder, RULES.format(file=self._file))
        self.place = str(self._file)
        self._server.start()
        self.secrets = {}
        self.config = SourceConfig(
            id="lines", type="tail", title="Lines", options={"path": str(self._file)}, mapping=MAPPING
        )
        self.work(["the first line"])

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._logs)

    def stop(self) -> None:
        self._logs.rename(self._away)

    def close(self) -> None:
        self._server.stop()
        super().close()

    def work(self, texts: Sequence[str]) -> None:
        before = self._lines()
        stamp = utc_text(SystemClock().now_us())
        self._server.send(f"<13>1 {stamp} host operator - - - {text}".encode() for text in texts)
        deadline = time.monotonic() + 10
        while self._lines() < before + len(texts):
            assert time.monotonic() < deadline, "rsyslogd did not write"
            time.sleep(0.01)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        with slow_share():
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        size = self._file.stat().st_size
        self.work([text])
        written = self._file.read_bytes()
        cut = size + int((len(written) - size) * share)
        os.truncate(self._file, cut)
        yield
        with self._file.open("ab") as file:
            file.write(written[cut:])

    def _lines(self) -> int:
        return self._file.read_bytes().count(b"\n") if self._file.exists() else 0


def make(factory: pytest.TempPathFactory) -> Target:
    return TailTarget(factory)
