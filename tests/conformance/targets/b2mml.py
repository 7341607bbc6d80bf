"""A folder in which an MES leaves messages; people's texts are values of operations."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import patch
from xml.sax.saxutils import escape

import pytest

from collectors.infra import drop_folder
from collectors.mapping.templates import template
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.tested import Tested

MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<ProcessOperationsResponse xmlns="http://www.mesa.org/xml/B2MML" releaseID="7.0">
  <ApplicationArea><CreationDateTime>2026-11-03T09:20:00Z</CreationDateTime></ApplicationArea>
  <DataArea>
    <OperationsResponse>
      <ID>OR-{number}</ID>
      <OperationsRequestID>PO-4711</OperationsRequestID>
      <EndTime>2026-11-03T10:15:00+01:00</EndTime>
      <ResponseState>Completed</ResponseState>
      <SegmentResponse>
        <SegmentData><ID>remark</ID><Value><ValueString>{text}</ValueString></Value></SegmentData>
      </SegmentResponse>
    </OperationsResponse>
  </DataArea>
</ProcessOperationsResponse>
"""


class B2mmlTarget(Target):
    tried = (
        Tested(
            system=SystemClass.MES,
            source="B2MML operations responses",
            type="b2mml",
            against="messages of the documented shape, from a folder; not a product",
            holds="what was done, when; materials, equipment, values; people as links",
        ),
    )
    credential = None
    no_credential = "a folder is read with the rights of the collector's own account"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # XML itself cannot hold U+0000
    no_amending = "a message is known by its digest: changed, it is another one"
    no_other_facts = ""
    no_clock = "a folder does not say what time those have who write to it"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._folder = factory.mktemp("b2mml") / "messages"
        self._folder.mkdir()
        self._away = self._folder.with_name("away")
        self._number = 0
        self.place = str(self._folder)
        self.secrets = {}
        options = {"folder": self.place, "settle": "0"}
        mapping = template("b2mml-operations-response").text
        self.config = SourceConfig(id="mes", type="b2mml", title="MES", options=options, mapping=mapping)

    def start(self) -> None:
        if self._away.exists():
            self._away.rename(self._folder)

    def stop(self) -> None:
        self._folder.rename(self._away)

    def work(self, texts: Sequence[str]) -> None:
        for text in texts:
            path, data = self._message(text)
            path.with_suffix(".part").write_bytes(data)
            path.with_suffix(".part").rename(path)

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        """The MES was brought to another release of the standard."""
        path, data = self._message("after the upgrade")
        path.write_bytes(data.replace(b'releaseID="7.0"', b'releaseID="7.1"'))
        yield "schema"
        path.unlink()

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A file share that answers late."""
        read = drop_folder._read

        def slowly(*arguments: object) -> object:
            time.sleep(0.05)
            return read(*arguments)  # type: ignore[arg-type]

        with patch.object(drop_folder, "_read", slowly):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        path, data = self._message(text)
        path.write_bytes(data[: int(len(data) * share)])
        yield
        path.write_bytes(data)

    def _message(self, text: str) -> tuple[Path, bytes]:
        self._number += 1
        data = MESSAGE.format(number=self._number, text=escape(text)).encode()
        return self._folder / f"or-{self._number:06}.xml", data


def make(factory: pytest.TempPathFactory) -> Target:
    return B2mmlTarget(factory)
