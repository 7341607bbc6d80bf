"""A ledger carried elsewhere: its folder and its database, as they are."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from ledger.settings import write as write_settings
from tests.support.ledgers import Ledger
from tests.support.postgres import PgDatabase, PostgresServer


@contextmanager
def copied(request: pytest.FixtureRequest, ledger: Ledger, folder: Path) -> Iterator[Ledger]:
    """The same ledger once more, its database too; nobody may have it open."""
    shutil.copytree(ledger.folder, folder)
    if ledger.is_sqlite:
        with closing(Ledger(folder, ledger.settings, ledger.clock)) as made:
            yield made
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = ledger.settings.database_url(ledger.folder)
    template = PgDatabase(name=str(url.database), owner_url="", runtime_url="")
    database = server.create_database(template)
    chosen = msgspec.structs.replace(ledger.settings, database=database.runtime_url, owner_database=database.owner_url)
    write_settings(folder, chosen)
    try:
        with closing(Ledger(folder, chosen, ledger.clock)) as made:
            yield made
    finally:
        server.discard(database)
