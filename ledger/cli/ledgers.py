"""How a command finds and opens its ledger, and who acts."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ledger.core.authority import Authority
from ledger.service import Service

LedgerOption = Annotated[
    Path,
    typer.Option("--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder, as `trailseal init` made it."),
]
LogOption = Annotated[
    str | None, typer.Option("--log", help="The log, by name or origin; by default the only record log.")
]


@contextmanager
def opened(folder: Path, verify_workers: int = 1) -> Iterator[Service]:
    """The ledger in a folder, closed at the end. Raises ConfigError if it can't be opened."""
    service = Service(folder, verify_workers=verify_workers)
    try:
        yield service
    finally:
        service.close()


def os_user() -> str:
    """The operating system's name of who runs this command."""
    return getpass.getuser()


def local(service: Service) -> Authority:
    """Who acts at this terminal, with direct access to the folder: *not authenticated*."""
    return service.people.local(os_user())
