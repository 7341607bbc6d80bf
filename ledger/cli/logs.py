"""What a running process tells of itself: one line an event, on standard error."""

import contextlib
import sys
from typing import TextIO, cast

import structlog


class _Lenient:
    """Standard error, or nothing where that takes nothing: on a full disk answers still go out."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def tell_on_standard_error() -> None:
    """Tracebacks show where, and never the values of variables: tokens and passwords are among them.

    Standard output stays what a command answers.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        # A line in one write: others write to the same place, and would come between a line and its end.
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Lenient(sys.stderr))),
    )
