"""Runs a program of this machine for a collector: by an argument list, bounded in time and output, and never left
behind. Nothing of the caller's environment reaches it but PATH; it gets no terminal and its texts are in English.
"""

import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import msgspec

from collectors.text import clean
from ledger.core.errors import FatalSource, RetriableSource

_ERROR_BYTES: Final = 4096
_SHOWN: Final = 300
_LOOK_SECONDS: Final = 1.0
_CHUNK: Final = 65_536


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended: `out` is at most what was allowed, `cut` that there was more, and that it was ended."""

    code: int
    out: bytes
    error: str
    cut: bool = False


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    seconds: float,
    max_bytes: int,
    given: bytes = b"",
    place: str = "",
) -> Ran:
    """Runs to the end, whatever the exit code. Raises FatalSource where the program is not there, RetriableSource,
    naming `place`, where it takes more than `seconds`.
    """
    where = place or command[0]
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        try:
            child = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **env},
                start_new_session=True,
            )
        except OSError as error:
            raise FatalSource(
                f"{where}: the program {command[0]} cannot be run: {error.strerror}",
                advice=f"Install {command[0]} on the collector's machine, and let its account run it.",
            ) from None
    try:
        out, errors, cut = _read(child, monotonic() + seconds, max_bytes)
        if cut is None:
            raise RetriableSource(
                f"{where}: {command[0]} took more than {seconds:g} s",
                advice="Check load and network of the source; raise the option `seconds` if it is that large.",
            )
    finally:
        _end(child)
    return Ran(code=child.returncode, out=out, error=_shown(errors), cut=cut)


def _read(child: subprocess.Popen[bytes], deadline: float, max_bytes: int) -> tuple[bytes, bytes, bool | None]:
    """Output, the last of the errors, and whether there was more output; None where time was up first."""
    assert child.stdout is not None
    assert child.stderr is not None
    out, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stderr, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - monotonic()
            if left <= 0:
                return bytes(out), bytes(errors), None
            for key, _ in selector.select(min(left, _LOOK_SECONDS)):
                data = os.read(key.fd, _CHUNK)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    out += data
                    if len(out) > max_bytes:
                        return bytes(out[:max_bytes]), bytes(errors), True
                else:
                    errors = (errors + data)[-_ERROR_BYTES:]
    try:
        child.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return bytes(out), bytes(errors), None
    return bytes(out), bytes(errors), False


def _end(child: subprocess.Popen[bytes]) -> None:
    """The program and whatever it started is gone afterwards."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def _shown(errors: bytes) -> str:
    """The last of what the program complained about, on one line."""
    return clean(" ".join(errors.decode("utf-8", "replace").split()))[-_SHOWN:]
