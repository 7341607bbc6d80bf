"""How a ledger's database is opened: only where it is, and with all domains' kinds and projectors."""

from pathlib import Path

from sqlalchemy.engine import URL

from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.domains import assembly
from ledger.settings import Settings
from ledger.store.store import Store


def require_database(url: URL) -> None:
    """Raises ConfigError for a SQLite file that is missing: opening it would make an empty one in its place."""
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise ConfigError(
            f"the ledger's database {url.database} is not there",
            advice="Put it back where it was, or restore it; nothing was written.",
        )


def open_store(folder: Path, chosen: Settings, clock: WallClock) -> Store:
    """The store of the ledger in `folder`, whose settings are `chosen`."""
    url = chosen.database_url(folder)
    kinds, projectors = assembly(url.get_backend_name())
    return Store(url, kinds, projectors, clock, chosen.readers)
