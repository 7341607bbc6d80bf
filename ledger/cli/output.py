"""How commands speak: answers on standard output, progress and errors on standard error, JSON where it is asked for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.present.inert import inert

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


class Report(Protocol):
    """Takes progress: how many of how many are done."""

    def __call__(self, done: int, total: int) -> None: ...


def say(text: str = "") -> None:
    """A line of the answer; whatever a source put into it, no terminal acts on it."""
    typer.echo(_line(text, sys.stdout.encoding))


def tell(text: str) -> None:
    """A line beside the answer, on standard error: what is going on, what is wrong."""
    typer.echo(_line(text, sys.stderr.encoding), err=True)


def complain(message: str, advice: str) -> int:
    """What is wrong and what to do about it, on standard error; returns the exit code of an error."""
    tell(f"Error: {message}")
    tell(advice)
    return 1


def say_json(value: Any) -> None:
    """The answer as one JSON document, in UTF-8 whatever the terminal's encoding is."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def say_json_line(value: Any) -> None:
    """The answer as one line of JSON."""
    typer.echo(msgspec.json.encode(value))


@contextmanager
def progress(what: str, unit: str = "entries") -> Iterator[Report]:
    """A progress bar on standard error, where that is a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _line(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    return inert(text).encode(encoding, "backslashreplace").decode(encoding)
