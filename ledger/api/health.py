"""Whether the service answers, and the public keys of its logs: open to anyone."""

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath

from ledger.api.context import Context
from ledger.api.problems import declared
from ledger.people.access import Door, allow
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.key_history import ToldHistory, told


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`ok`: the service answers and can read its database."""

    status: str


class LogKey(msgspec.Struct, frozen=True, kw_only=True):
    """The verifier key (C2SP signed-note) of a log's checkpoints. Pin it outside: a server can lie about its key."""

    log: str
    origin: str
    vkey: str


@get("/health", opt=allow(Door.OPEN), responses=declared(), security=[{}], tags=["health"])
async def health(context: NamedDependency[Context]) -> Health:
    """Tells that the service answers and can read its database; 503 when it can't."""
    await context.lanes.read(_read_head, context.service)
    return Health(status="ok")


def _read_head(service: Service) -> None:
    with service.store.reader(SYSTEM_LOG) as reader:
        reader.head()


@get("/keys", opt=allow(Door.OPEN), responses=declared(), security=[{}], tags=["keys"])
async def public_keys(context: NamedDependency[Context]) -> list[LogKey]:
    """The public key that signs every log's checkpoints now, as its key events have it."""
    return await context.lanes.read(_keys, context.service)


def _keys(service: Service) -> list[LogKey]:
    return [_key(service, name) for name in service.logs]


def _key(service: Service, name: str) -> LogKey:
    log = service.log(name)
    return LogKey(log=log.name, origin=log.origin, vkey=service.vkey(log))


@get("/keys/{log:str}", opt=allow(Door.OPEN), responses=declared(), security=[{}], tags=["keys"])
async def key_history(context: NamedDependency[Context], log: FromPath[str]) -> ToldHistory:
    """The life of a log's keys: each it had, the rotations, the digest of the next one, and what is in doubt."""
    return await context.lanes.read(_history, context.service, log)


def _history(service: Service, name: str) -> ToldHistory:
    return told(service.key_life.history(service.log(name)))
