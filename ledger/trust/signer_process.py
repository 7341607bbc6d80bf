"""The signer as a process of its own, and how others ask it: one request and one answer a line, over a Unix socket.

The socket lies in the folder of the signer's memory and is its owner's alone. Asked is only "publish this log": what
is signed, the signer decides by itself, from the log and its own memory.
"""

import contextlib
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.address import LogId
from ledger.core.errors import (
    CheckpointForked,
    ConfigError,
    Conflict,
    IntegrityError,
    LedgerError,
    RolledBack,
    StorageDamaged,
    StorageFull,
    StorageReadOnly,
)
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.trouble import trouble_of
from ledger.trust.signed import MovedAway
from ledger.trust.signer import SignsCheckpoints

SOCKET: Final = "signer.sock"
ANSWER_S: Final = 60.0
"""Seconds within which a checkpoint is signed, witnesses asked and all."""
_LINE: Final = 1 << 20
_ERRORS: Final = {
    one.code: one
    for one in (
        RolledBack,
        CheckpointForked,
        IntegrityError,
        ConfigError,
        Conflict,
        MovedAway,
        StorageFull,
        StorageReadOnly,
        StorageDamaged,
    )
}


class SignerAway(LedgerError):
    """The process that signs checkpoints does not answer."""

    code = "signer_away"
    default_advice = "Start it with `trailseal signer`, or `trailseal serve`, which starts one; nothing was signed."


class _Request(msgspec.Struct, frozen=True):
    log: LogId | None
    """None: whether anybody signs here."""


class _Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    size: int = 0
    note: bytes = b""
    code: str = ""
    message: str = ""
    advice: str = ""


class RemoteSigner:
    """Asks the process that holds the keys; any number of threads may."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def publish(self, log: LogId) -> StoredCheckpoint:
        """What `Signer.publish` gives there; raises what it raised there, or SignerAway."""
        answer = self._ask(log)
        if answer.code:
            raise _ERRORS.get(answer.code, LedgerError)(answer.message, advice=answer.advice)
        return StoredCheckpoint(size=answer.size, note=answer.note)

    def there(self) -> bool:
        """Whether somebody signs there."""
        try:
            return self._ask(None).code == ""
        except SignerAway:
            return False

    def _ask(self, log: LogId | None) -> _Answer:
        try:
            with _connected(self._folder) as connection, connection.makefile("rwb") as stream:
                stream.write(msgspec.json.encode(_Request(log)) + b"\n")
                stream.flush()
                return msgspec.json.decode(stream.readline(_LINE), type=_Answer)
        except (OSError, msgspec.DecodeError) as error:
            raise SignerAway(f"the signer does not answer ({type(error).__name__})") from None


class NearestSigner:
    """The process that holds the keys, where one is running; else this one signs itself."""

    def __init__(self, folder: Path, own: Callable[[], SignsCheckpoints]) -> None:
        self._remote = RemoteSigner(folder)
        self._own = own
        self._made: SignsCheckpoints | None = None

    def publish(self, log: LogId) -> StoredCheckpoint:
        """A checkpoint of all that the log holds."""
        if self._made is None:
            try:
                return self._remote.publish(log)
            except SignerAway:
                self._made = self._own()
        return self._made.publish(log)


class SignerServer:
    """Answers for one ledger, from `with` to its end."""

    def __init__(self, folder: Path, signer: SignsCheckpoints, wanted: Callable[[], bool] = lambda: True) -> None:
        """Raises ConfigError where another signer of this ledger runs. `wanted`: whether it is to sign still."""
        if RemoteSigner(folder).there():
            raise ConfigError("a signer of this ledger runs already", advice="One is enough: stop it first.")
        with _short(folder) as place:
            place.unlink(missing_ok=True)
            self._server = _Server(str(place), _handler(signer, wanted))
        (folder / SOCKET).chmod(0o600)
        self._place = folder / SOCKET
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="signer")

    def __enter__(self) -> "SignerServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._place.unlink(missing_ok=True)


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


def _handler(signer: SignsCheckpoints, wanted: Callable[[], bool]) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = ANSWER_S

        def handle(self) -> None:
            while wanted() and (line := self.rfile.readline(_LINE)):
                self.wfile.write(msgspec.json.encode(_answer(signer, line)) + b"\n")

    return Handler


def _answer(signer: SignsCheckpoints, line: bytes) -> _Answer:
    try:
        log = msgspec.json.decode(line, type=_Request).log
        if log is None:
            return _Answer()
        stored = signer.publish(log)
    except LedgerError as error:
        return _Answer(code=error.code, message=error.message, advice=error.advice)
    except msgspec.DecodeError:
        return _Answer(code="invalid_entry", message="not a request to a signer", advice="Update both processes.")
    except Exception as error:  # what goes wrong with one checkpoint ends no signer
        known = trouble_of(error)
        if known is not None:
            return _Answer(code=known.code, message=f"the signer stopped: {known.message}", advice=known.advice)
        return _Answer(code="signer_failed", message=f"the signer failed ({type(error).__name__})", advice="Try again.")
    return _Answer(size=stored.size, note=stored.note)


@contextlib.contextmanager
def _connected(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_S)
        with _short(folder) as place:
            connection.connect(str(place))
        yield connection


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[Path]:
    """The socket's path by an open folder: a socket's address has 107 bytes, and a ledger's path may have more."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}") / SOCKET
    finally:
        os.close(descriptor)
