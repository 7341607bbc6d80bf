"""The process that signs beside a server: the only one that opens the keys of logs, until that server ends.

It is forked while nothing but code is loaded, so it costs no second start; one that died is started anew.
"""

import contextlib
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from ledger import settings
from ledger.core.errors import ConfigError, LedgerError
from ledger.service import Service
from ledger.store.trouble import trouble_of
from ledger.trust.keys import Keys
from ledger.trust.signer_process import RemoteSigner, SignerAway, SignerServer

READY_S: Final = 30.0
"""Seconds within which it has opened its ledger."""
_LAST_ONE_ENDS_S: Final = 5.0
"""Seconds within which the signer of a server that was killed has noticed that."""


class SignerChild:
    """Make it before any thread is started or database opened; `begin` once there is a ledger."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._start("fork")

    def begin(self, folder: Path) -> None:
        """Has it open the ledger in a folder; returns once one signs.

        It leaves that to a signer of that ledger that runs already, and where the logs' keys lie apart and this process
        is not given what opens them, to one that is (`trailseal signer`).

        Raises what kept it from that, or SignerAway.
        """
        found, _ = settings.load(folder)
        if not Keys(folder / "keys", found.keys).signs_here:
            return
        self._folder = folder
        if RemoteSigner(folder / "signed").there():
            return
        self._begun = True
        self._pipe.send(str(folder))
        if not self._pipe.poll(READY_S):
            raise SignerAway("the signer did not begin in time")
        try:
            trouble = self._pipe.recv()
        except EOFError:
            raise SignerAway("the signer ended before it began") from None
        if trouble:
            raise ConfigError(*trouble[:1], advice=trouble[1])

    def keep(self) -> None:
        """Starts another one where it died, or answers no longer; for the leader's duties."""
        if self._folder is None or RemoteSigner(self._folder / "signed").there():
            return
        if self._begun:
            self._process.kill()
            self._process.join()
            self._start("spawn")
        self.begin(self._folder)

    def __enter__(self) -> "SignerChild":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it, and waits for that."""
        self._folder = None
        self._pipe.close()
        self._process.join(READY_S)
        if self._process.is_alive():
            self._process.kill()

    def _start(self, how: str) -> None:
        self._begun = False
        context = multiprocessing.get_context(how)
        self._pipe, theirs = context.Pipe()
        ours = self._pipe if how == "fork" else None
        self._process = context.Process(target=_run, args=(theirs, ours), name="trailseal signer", daemon=True)  # type: ignore[attr-defined]
        self._process.start()
        theirs.close()


def _run(pipe: Connection, parents: Connection | None) -> None:
    """The whole life of the process: it ends when its server does, however that ends."""
    if parents is not None:
        parents.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        folder = Path(pipe.recv())
        try:
            service = Service(folder)
            server = _server(service, lambda: not pipe.poll())
        except LedgerError as error:
            pipe.send((error.message, error.advice))
            return
        except (OSError, DBAPIError) as error:
            known = trouble_of(error)
            if known is None:
                raise
            pipe.send((known.message, known.advice))
            return
        with contextlib.closing(service), server:
            pipe.send(())
            wait([pipe])


@retry(
    retry=retry_if_exception_type(ConfigError),
    stop=stop_after_delay(_LAST_ONE_ENDS_S),
    wait=wait_fixed(0.1),
    reraise=True,
)
def _server(service: Service, wanted: Callable[[], bool]) -> SignerServer:
    return SignerServer(service.folder / "signed", service.own_signer(), wanted)
