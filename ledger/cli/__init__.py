"""The terminal: `trailseal …`. One module a group of commands; `app` puts them together."""

import faulthandler
import gc
import sys


def main() -> None:
    """Runs the command line of this process, and ends it with the command's exit code; Ctrl-C leaves no traceback."""
    if sys.stderr is not None:
        # A crash below Python then leaves every thread's stack in the log instead of nothing.
        faulthandler.enable()
    try:
        # Loading every domain takes a second, in which Ctrl-C may come as well. All that is loaded stays: a sixth of
        # the time would go into looking through it for garbage.
        gc.disable()
        from ledger.cli.app import run

        gc.freeze()
        gc.enable()
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
