"""Founded plants, copied: a first start, and the people who joined after it, are made once a process.

    plant = founded(tmp_path / "ledger", REVIEWER)
    plant.people["reviewer1"].sign(entry)

Everybody begins with a session of their own, in which nothing was signed yet.
"""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec
import pytest

from ledger.people.roles import Role
from ledger.settings import write as write_settings
from ledger.signing.ceremony import Card
from tests.support.postgres import PgDatabase, PostgresServer, chosen_database
from tests.support.signers import Known, Plant, settings_of


class Joins(msgspec.Struct, frozen=True):
    """A person whom the officer lets in, and for whose key both founders vouch."""

    account: str
    name: str
    role: Role


REVIEWER: Final = Joins("reviewer1", "Rita Reviewer", Role.REVIEWER)
APPROVER: Final = Joins("approver1", "Anna Approver", Role.APPROVER)


class _Made(msgspec.Struct, frozen=True):
    """A plant that nobody has open: to copy it takes a tenth of the time."""

    folder: Path
    database: PgDatabase | None
    ahead_us: int
    people: tuple[Known, ...]
    card: Card


_made: dict[tuple[Path | None, float, tuple[Joins, ...]], _Made] = {}


def founded(
    folder: Path,
    *joins: Joins,
    request: pytest.FixtureRequest | None = None,
    web: str | None = None,
    ahead_s: float = 0.0,
) -> Plant:
    """A plant after its first start, and after these people joined; the caller closes it.

    `request`: of a fixture whose parameter names the database, `sqlite` or `postgresql`. Further options as of `Plant`.
    """
    chosen = request if request is not None and getattr(request, "param", None) == "postgresql" else None
    server: PostgresServer | None = None if chosen is None else chosen.getfixturevalue("postgres_server")
    key = (None if server is None else server.directory, ahead_s, joins)
    if key not in _made:
        empty = None if chosen is None else chosen_database(chosen)
        _made[key] = _make(Path(_folder().name) / str(len(_made)) / "ledger", empty, ahead_s, joins)
    made = _made[key]
    database = None if server is None or made.database is None else server.create_database(made.database)
    shutil.copytree(made.folder, folder)
    write_settings(folder, settings_of(database, web))
    plant = Plant(folder, database, web=web, ahead_s=made.ahead_us / 1_000_000)
    plant.card = made.card
    plant.know(made.people)
    return plant


def _make(folder: Path, database: PgDatabase | None, ahead_s: float, joins: tuple[Joins, ...]) -> _Made:
    plant = Plant(folder, database, ahead_s=ahead_s)
    try:
        plant.found()
        for one in joins:
            plant.join(one.account, one.name, one.role)
        assert plant.card is not None
        people = tuple(one.known() for one in plant.people.values())
        return _Made(folder, database, plant.clock.ahead_us, people, plant.card)
    finally:
        plant.close()


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="trailseal-founded-")
