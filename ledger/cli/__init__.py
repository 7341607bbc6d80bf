"""The terminal: `trailseal …`. One module a group of commands; `app` puts them together."""

import faulthandler
import gc
import sys
from collections.abc import Callable, Sequence

WITNESS = frozenset({"about", "add-key", "add-log", "cosign", "init", "list", "remove-key", "serve"})
"""What a witness does where it stands, apart from any ledger."""


def main() -> None:
    """Runs the command line of this process, and ends it with the command's exit code; Ctrl-C leaves no traceback."""
    if sys.stderr is not None:
        # A crash below Python then leaves every thread's stack in the log instead of nothing.
        faulthandler.enable()
    try:
        # Loading every domain takes a second, in which Ctrl-C may come as well. All that is loaded stays: a sixth of
        # the time would go into looking through it for garbage.
        gc.disable()
        run = _run_of(sys.argv[1:])
        gc.freeze()
        gc.enable()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run_of(arguments: Sequence[str]) -> Callable[[Sequence[str]], int]:
    """What runs the command line: a witness's is kept from all that belongs to a ledger."""
    if arguments[:1] == ["witness"] and WITNESS.intersection(arguments[1:2]):
        from ledger.cli.witness_alone import run as run_witness

        return run_witness
    from ledger.cli.app import run

    return run
