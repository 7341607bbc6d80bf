"""Makes a new ledger."""

from pathlib import Path

from ledger import settings
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import SystemClock, WallClock
from ledger.core.errors import ConfigError
from ledger.new_log import NEXT_KEYS, RECORDS, SYSTEM, create_log, enter_key
from ledger.opening import open_store
from ledger.people.passwords import Effort
from ledger.service import Service
from ledger.settings import Settings
from ledger.signing.person_keys import Sealing
from ledger.store.database import migrate
from ledger.store.logs import SYSTEM_LOG
from ledger.store.projections import install
from ledger.trust.keys import Keys
from ledger.trust.kinds import KeyPurpose


def create(
    folder: Path,
    chosen: Settings,
    authority: Authority,
    clock: WallClock | None = None,
    effort: Effort = Effort(),  # noqa: B008 - frozen
    sealing: Sealing = Sealing(),  # noqa: B008 - frozen
    next_keys: Path | None = None,
    *,
    take_keys: bool = False,
) -> Service:
    """Makes a new ledger: folder, settings, keys, schema, system log and first record log; returns it opened.

    `next_keys`: the folder for the logs' next keys, which are to be kept elsewhere (default: one in the ledger's).
    `take_keys`: the logs' keys that lie in the folder are those of the new ledger (a drill's thief begins so).
    Raises ConfigError if the folder or the database holds a ledger already; then nothing of it is touched.
    """
    if (folder / settings.FILE_NAME).exists():
        raise ConfigError(f"{folder} holds a ledger already", advice="Choose another folder; nothing was changed.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "signed").mkdir(mode=0o700, exist_ok=True)
    keys = Keys(folder / "keys", chosen.keys, chosen.origin, clock)
    keys.require_ready()
    migrate(chosen.owner_url(folder))
    store = open_store(folder, chosen, clock or SystemClock())
    try:
        if store.logs():
            raise ConfigError("the database holds a ledger already", advice="Name another one; nothing was changed.")
        keys.create_digest_secret()
        keys.pepper()
        with store.writing() as connection:
            install(connection, store.projections.newest())
        for number, name in enumerate((SYSTEM, RECORDS)):
            log = LogId(number=number, name=name, origin=f"{chosen.origin}/{name}")
            if not take_keys:
                keys.create_log_keys(log.name)
            create_log(store, keys, log, next_keys or folder / NEXT_KEYS, authority)
        enter_key(store, SYSTEM_LOG, KeyPurpose.DIGEST, keys.digests().key, authority)
    finally:
        store.close()
    settings.write(folder, chosen)
    return Service(folder, clock, effort=effort, sealing=sealing)
