"""Where a spool stands, and how much it may hold."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much the spool may hold, and how much of the disk it leaves free."""

    spool_mib: int = 1024
    free_mib: int = 256


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the spool stands: the last number given and its digest, the last one that the ledger signed for.

    `halted`: why nothing may be read or sent until a person acted. `full_since`: source → since when it was held up.
    """

    epoch: int
    number: int = 0
    previous: str | None = None
    delivered: int = 0
    delivered_digest: str | None = None
    halted: str = ""
    full_since: dict[str, str] = {}
