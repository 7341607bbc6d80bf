"""What a running process tells of itself."""

import io
import sys
from collections.abc import Iterator

import pytest
import structlog

from ledger.cli.logs import tell_on_standard_error


class Writes(io.StringIO):
    """Remembers each write by itself, as another process or thread could come between two."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def write(self, text: str) -> int:
        self.all.append(text)
        return super().write(text)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Writes]:
    writes = Writes()
    before = structlog.get_config()
    monkeypatch.setattr(sys, "stderr", writes)
    tell_on_standard_error()
    yield writes
    structlog.configure(**before)


def test_each_line_is_written_at_once(written: Writes) -> None:
    structlog.get_logger("one").info("leading", since=1)
    structlog.get_logger("two").info("no longer leading")
    assert len(written.all) == 2
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written.all)
