"""The demo's authority of time: `openssl ts` on loopback, let in by whoever has the folder and the demo's officer.

Its clock is this machine's: it shows how time-stamps work, and proves nothing that whoever owns the machine could not
make up. Without the `openssl` command the demo goes without it.
"""

import contextlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from collectors.demo.tsa import TsaAuthority, TsaServer
from ledger.core.authority import Authority
from ledger.core.clock import WallClock
from ledger.core.timestamps import certificates_in
from ledger.service import Service
from ledger.trust.files import write_durably

NAME: Final = "demo-time"
_WHY: Final = "part of the demo"


class DemoTime:
    """An authority of time in a folder, from `with` to its end."""

    def __init__(self, folder: Path, clock: WallClock) -> None:
        self._folder = folder / "tsa"
        self._clock = clock
        self._open = contextlib.ExitStack()
        self._server: TsaServer | None = None
        self.root: Path | None = None
        """Its root's certificate; None where there is no `openssl` command."""

    def __enter__(self) -> Self:
        if shutil.which("openssl") is not None:
            authority = TsaAuthority(self._clock)
            authority.issue(self._folder)
            self.root = self._folder / "root.pem"
            write_durably(self.root, authority.pem, mode=0o644)
            self._server = self._open.enter_context(TsaServer(self._folder))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def propose(self, service: Service, authority: Authority) -> None:
        """Proposes it to the ledger."""
        if self._server is not None and self.root is not None:
            pinned = certificates_in(self.root.read_bytes())
            service.tsas.propose(NAME, self._server.url, pinned, _WHY, authority)

    def confirm(self, service: Service, authority: Authority) -> None:
        """Confirms it, and has it date what there is."""
        if self._server is not None:
            service.tsas.confirm(NAME, _WHY, authority)
            service.publisher.publish_all()
            service.stamping.stamp()
            service.publisher.publish_all()
