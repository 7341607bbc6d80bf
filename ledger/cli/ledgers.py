"""How a command finds and opens its ledger, and who acts."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
from sqlalchemy.exc import DBAPIError

from ledger.core.authority import Authority
from ledger.core.errors import ConfigError, LedgerError, StorageReadOnly
from ledger.service import Service
from ledger.store.trouble import trouble_of
from ledger.trust.signer import SignsCheckpoints

ANY_LEDGER: Final = typer.Option(
    "--ledger", envvar="TRAILSEAL_LEDGER", help="The ledger's folder, as `trailseal init` made it."
)
LedgerOption = Annotated[Path, ANY_LEDGER]
LogOption = Annotated[
    str | None, typer.Option("--log", help="The log, by name or origin; by default the only record log.")
]


@contextmanager
def opened(folder: Path, verify_workers: int = 1, signer: SignsCheckpoints | None = None) -> Iterator[Service]:
    """The ledger in a folder, closed at the end; `signer` as `Service` has it.

    Raises the LedgerError that says why it can't be opened.
    """
    try:
        service = Service(folder, verify_workers=verify_workers, signer=signer)
    except DBAPIError as error:
        # SQLite can't open, even to read, what it may write nothing beside: it says no more than that.
        require_writable(folder)
        raise database_trouble(error) from None
    try:
        yield service
    finally:
        service.close()


def require_writable(*folders: Path) -> None:
    """Raises StorageReadOnly, naming the first of the folders that is there and can't be written to."""
    for folder in folders:
        if folder.is_dir() and not os.access(folder, os.W_OK):
            raise StorageReadOnly(f"{folder} can be read, but not written to: nothing was started")


def database_trouble(error: DBAPIError) -> LedgerError:
    """What the database said, in one line and without the statement, which may hold records."""
    known = trouble_of(error)
    if known is not None:
        return known
    said = str(error.orig or "").strip().partition("\n")[0]
    return ConfigError(
        f"the database refuses: {said or type(error).__name__}",
        advice="What was acknowledged is kept. Check server, address, rights and disk; `trailseal doctor` helps.",
    )


def os_user() -> str:
    """The operating system's name of who runs this command; its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def local(service: Service) -> Authority:
    """Who acts at this terminal, with direct access to the folder: *not authenticated*."""
    return service.people.local(os_user())
