"""Serves one witness: it does not start where there is no log that it could soundly cosign for."""

import ssl
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, LedgerError
from ledger.listener import Listener
from ledger.trust.witness.acting import Witness
from ledger.trust.witness.app import create_app
from ledger.trust.witness.folder import WitnessFolder

MAX_CONNECTIONS: Final = 256
LOOPBACK: Final = "127.0.0.1"


class WitnessServer:
    """Answers from `with` to its end."""

    def __init__(
        self,
        folder: WitnessFolder,
        clock: WallClock,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Raises ConfigError, or what is wrong with it, unless at least one log is known and sound."""
        self.troubles = _troubles(folder)
        witness = Witness(folder.states, folder.signers, clock)
        make = partial(create_app, witness, folder.states, folder.settings, folder.about())
        self._scheme = "http" if tls is None else "https"
        self._listener = Listener("witness", host, port, make, tls, limit_concurrency=MAX_CONNECTIONS)

    @property
    def address(self) -> str:
        """The URL before `/add-checkpoint`."""
        return f"{self._scheme}://{self._listener.place}"

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.stop()


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with a certificate chain and its key; raises ConfigError if the files are no such."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise ConfigError(f"{certificate} and {key} are no certificate with its key: {error.reason}") from None
    return context


def _troubles(folder: WitnessFolder) -> dict[str, LedgerError]:
    """The logs that nothing is cosigned for, and why; raises if that is all of them."""
    found = dict(folder.states.all())
    troubles = {origin: known for origin, known in found.items() if isinstance(known, LedgerError)}
    if not found:
        raise ConfigError(
            "this witness knows no log: it never begins by believing the first one that asks",
            advice="Make one known by hand, at a size and root that you have from elsewhere: `witness add-log`.",
        )
    if len(troubles) == len(found):
        raise next(iter(troubles.values()))
    return troubles
