"""The command line in this process: what a command answers, what it tells beside that, and its exit code."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from ledger.cli.app import run


class Answer:
    """How one command ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    def json(self) -> Any:
        return json.loads(self.out)


def trailseal(*arguments: str | Path) -> Answer:
    """Runs one command line to its end."""
    out, err = _text(), _text()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(one) for one in arguments])
    return Answer(code, _read(out), _read(err))


def _text() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


def _read(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
