"""A real ledger with accounts of every sort, for the tests of the HTTP interface and of people."""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from ledger.core.authority import Authority
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.people.access import OF_SERVICES, Scope
from ledger.people.passwords import Effort
from ledger.people.people import People, Token
from ledger.service import Service
from ledger.settings import Settings, Web
from ledger.settings import write as write_settings
from tests.support.ledgers import LIGHT, put_schema
from tests.support.postgres import PgDatabase

ORIGIN = "ledger.example/site-a"
SOURCE, OTHER_SOURCE = "erp", "dcs"
AT = "2026-11-25T07:10:06.123456Z"


class MovableClock:
    """The system's clock, moved by as much as a test says."""

    def __init__(self) -> None:
        self.ahead_us = 0
        self._clock = SystemClock()

    def now_us(self) -> int:
        return self._clock.now_us() + self.ahead_us

    def pass_seconds(self, seconds: float) -> None:
        self.ahead_us += int(seconds * 1_000_000)


class Founded(msgspec.Struct, frozen=True):
    """A ledger after its first start, which nobody has open: to copy it takes a sixth of the time."""

    folder: Path
    tokens: dict[Scope, Token]


class World:
    """One ledger in a folder of its own, a source or two, and a token of each scope."""

    def __init__(
        self,
        folder: Path,
        publish_tiles: bool = False,
        postgres: PgDatabase | None = None,
        web: Web = Web(),  # noqa: B008 - frozen
        effort: Effort = LIGHT,
        founded: Founded | None = None,
    ) -> None:
        """`founded`: the ledger that `postgres` is a copy of the database of; on SQLite there is one for all."""
        self.folder = folder
        self.clock = MovableClock()
        chosen = _settings(postgres, publish_tiles=publish_tiles, web=web)
        if founded is None and postgres is not None:
            founded = found(folder, postgres)
        else:
            founded = founded or _on_sqlite()
            shutil.copytree(founded.folder, folder, dirs_exist_ok=True)
        write_settings(folder, chosen)
        self.service = Service(folder, self.clock, effort=effort)
        self.people = self.service.people
        self.root = self.people.local("root")
        self.tokens = founded.tokens

    def token(self, scope: Scope, account: str | None = None, **more: Any) -> Token:
        """A token of one scope for a new account."""
        return _token(self.people, scope, account, **more)

    def headers(self, scope: Scope) -> dict[str, str]:
        return bearer(self.tokens[scope].token)

    def system_entries(self, kind: str) -> list[Any]:
        """The decoded bodies of one kind in the system log."""
        with self.service.store.reader(0) as reader:
            stored = list(reader.entries(0, reader.head().size))
        bodies = [msgspec.json.decode(one.body or b"") for one in stored]
        return [body for body in bodies if str(body["schema"]).startswith(f"{kind}/")]

    def close(self) -> None:
        self.service.close()


def found(folder: Path, postgres: PgDatabase | None = None) -> Founded:
    """Makes a ledger with its sources and tokens, and closes it."""
    chosen = _settings(postgres)
    put_schema(folder, chosen)
    service = create(folder, chosen, Authority(actor="local:root", authenticated=False), effort=LIGHT)
    try:
        for source in (SOURCE, OTHER_SOURCE):
            config = SourceConfig(id=source, type="test", title=source.upper())
            service.sources.register(config, service.people.local("root"))
        return Founded(folder, {scope: _token(service.people, scope) for scope in Scope if scope in OF_SERVICES})
    finally:
        service.close()


@functools.cache
def _on_sqlite() -> Founded:
    """One for all worlds of this process."""
    return found(Path(_folder().name) / "ledger")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="trailseal-world-")


def _settings(postgres: PgDatabase | None, **more: Any) -> Settings:
    chosen = Settings(origin=ORIGIN, **more)
    if postgres is None:
        return chosen
    return msgspec.structs.replace(chosen, database=postgres.runtime_url, owner_database=postgres.owner_url)


def _token(people: People, scope: Scope, account: str | None = None, **more: Any) -> Token:
    name, root = account or f"{scope.value}-{len(people.accounts())}", people.local("root")
    people.create_account(name, name.title(), "for the test", root)
    if scope is Scope.INGEST:
        more.setdefault("sources", (SOURCE,))
    return people.grant(name, [scope], "for the test", root, **more)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def record(number: int, source: str = SOURCE, **more: Any) -> dict[str, Any]:
    """A good record as JSON has it."""
    return {
        "source": source,
        "source_record_id": f"log/{number}",
        "action": "update",
        "occurred_at": {"text": AT, "precision": "microsecond", "basis": "source-zone", "instant_us": 1764052864000000},
        "actor": {"account": "operator1", "kind": "person"},
        "object": {"type": "tag", "id": f"TIC{number}.SP", "name": "Reactor temperature setpoint"},
        "changes": [{"attribute": "Value", "old": "50.0", "new": "55.5", "unit": "degC"}],
        "links": [{"kind": "batch", "id": "B-1", "basis": "read"}],
        **more,
    }


def submission(number: int, **more: Any) -> dict[str, Any]:
    original = {"data": "eyJhIjoxfQ==", "media_type": "text/html", "parser": "test", "parser_version": "1"}
    return {"record": record(number, **more), "received_at": AT, "original": original}


def run(submissions: list[Any], cursor: tuple[str | None, str | None] = (None, None), **more: Any) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "started_at": AT,
        "ended_at": AT,
        "cursor_from": cursor[0],
        "cursor_to": cursor[1],
        "submissions": submissions,
        **more,
    }
