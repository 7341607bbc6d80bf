"""The terminal: `trailseal …`. One module a group of commands; `app` puts them together."""

import faulthandler
import sys


def main() -> None:
    """Runs the command line of this process, and ends it with the command's exit code; Ctrl-C leaves no traceback."""
    if sys.stderr is not None:
        # A crash below Python then leaves every thread's stack in the log instead of nothing.
        faulthandler.enable()
    try:
        # Loading every domain takes a second or two, in which Ctrl-C may come as well.
        from ledger.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
