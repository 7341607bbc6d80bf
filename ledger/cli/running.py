"""How one command line is run, and how errors leave it."""

from collections.abc import Sequence
from typing import Any, Protocol

import typer

from ledger.cli.logs import tell_on_standard_error
from ledger.cli.output import complain
from ledger.core.disk import disk_trouble
from ledger.core.errors import ConfigError, LedgerError
from ledger.core.memory import out_of_memory

INTERRUPTED = 130
"""The shell's exit code for Ctrl-C."""


class Command(Protocol):
    """What typer makes of an application; it has no public name there."""

    def main(self, args: Sequence[str], *, prog_name: str, standalone_mode: bool) -> Any: ...


def run_command(command: Command, arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; an error that a person can act on leaves as two lines."""
    tell_on_standard_error()
    try:
        _require_text(arguments)
        code = command.main(list(arguments), prog_name="trailseal", standalone_mode=False)
    except LedgerError as error:
        return complain(error.message, error.advice)
    except typer.Abort:
        return INTERRUPTED
    except typer.TyperException as error:
        return _misused(error)
    except Exception as error:
        if out_of_memory(error):
            return complain(
                "there is not enough memory; what was acknowledged is kept, and what was not is not there",
                "Give the process more memory, then run the same command again.",
            )
        if not isinstance(error, OSError):
            raise
        known = disk_trouble(error)
        place = f"{error.filename}: " if error.filename else ""
        advice = "Check the path, its kind and its mode." if known is None else known.advice
        return complain(f"{place}{error.strerror or error}", advice)
    return code if isinstance(code, int) else 0


def _require_text(arguments: Sequence[str]) -> None:
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise ConfigError(f"the argument {argument!r} is not UTF-8", advice="Write it in UTF-8.") from None


def _misused(error: typer.TyperException) -> int:
    if not error.format_message():
        return 1  # a group of commands without one of them: its help stands there already
    context: typer.Context | None = getattr(error, "ctx", None)
    return complain(error.format_message(), f"See `{context.command_path if context else 'trailseal'} --help`.")
