"""The command `trailseal`, and how errors leave it."""

import sys

import typer

from ledger import __version__
from ledger.cli import (
    append,
    collect,
    demo,
    doctor,
    init,
    key,
    package,
    query,
    rebuild,
    serve,
    source,
    tiles,
    verify,
)
from ledger.cli.logs import tell_on_standard_error
from ledger.cli.output import errors
from ledger.core.errors import LedgerError

app = typer.Typer(
    name="trailseal",
    help="Tamper-evident, verifiable audit trail for regulated manufacturing.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (init, serve, doctor, collect, append, query, verify, package, rebuild, demo):
    module.add_to(app)
app.add_typer(source.group, name="source")
app.add_typer(tiles.group, name="tiles")
app.add_typer(key.group, name="key")


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    if version:
        typer.echo(f"trailseal {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line; a known error ends it with its message, its advice and exit code 1."""
    tell_on_standard_error()
    try:
        app()
    except LedgerError as error:
        errors.print(f"[bold]Error:[/bold] {_plain(error.message)}", highlight=False)
        errors.print(_plain(error.advice), highlight=False)
        sys.exit(1)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
