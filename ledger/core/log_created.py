"""Entry 0 of a log: what everything that is proven of it begins with."""

import msgspec

from ledger.core.record import Digest


class LogCreated(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="log-created/1"):
    """Entry 0 of a log. `key` is the verifier key (C2SP signed-note) of its checkpoints, `product` who wrote it."""

    number: int
    name: str
    origin: str
    key: str
    product: str


class LogCreated2(LogCreated, frozen=True, kw_only=True, tag_field="schema", tag="log-created/2"):
    """Entry 0 of a log that promises the key after its first: `next` is that key's digest (`core.key_events`)."""

    next: Digest
