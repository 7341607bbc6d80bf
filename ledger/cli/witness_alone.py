"""The commands of a witness alone: its process loads nothing of a ledger, neither database nor domains."""

from collections.abc import Sequence
from typing import Final

import typer

from ledger.cli import witness
from ledger.cli.running import run_command

_app: Final = typer.Typer(name="trailseal", add_completion=False, pretty_exceptions_enable=False)
_app.add_typer(witness.group, name="witness")


@_app.callback()
def _group() -> None:
    """Keeps `witness` a command of its own."""


def run(arguments: Sequence[str]) -> int:
    """Runs one command line `witness …` as `ledger.cli.app.run` does."""
    return run_command(typer.main.get_command(_app), arguments)
