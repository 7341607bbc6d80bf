"""How commands speak: answers on standard output, progress and errors on standard error, JSON where it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Protocol

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

errors = Console(stderr=True, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


class Report(Protocol):
    """Takes progress: how many of how many are done."""

    def __call__(self, done: int, total: int) -> None: ...


def say(text: str = "") -> None:
    """A line of the answer."""
    typer.echo(text)


def say_json(value: Any) -> None:
    """The answer as one JSON document."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say_json_line(value: Any) -> None:
    """The answer as one line of JSON."""
    typer.echo(msgspec.json.encode(value).decode())


@contextmanager
def progress(what: str, unit: str = "entries") -> Iterator[Report]:
    """A progress bar on standard error, where that is a terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report
