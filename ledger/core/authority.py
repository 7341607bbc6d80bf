"""On whose authority an entry was caused: named in the entry, so that verification can decide it again."""

import msgspec

from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt


class Authority(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who acted, and what allowed it.

    `entries` are the addresses (`origin#index`) of account, grants and session; `system_size` and `system_root` the
    state of the system log that was relied on. Someone with direct access to the ledger's folder acts as
    `local:<OS user>`, *not authenticated*: `authenticated` is false and `entries` empty.
    """

    actor: Name
    authenticated: bool
    entries: tuple[str, ...] = ()
    system_size: SafeInt | None = None
    system_root: Digest | None = None
