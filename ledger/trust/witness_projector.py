"""Projectors of witness policies and of what witnesses said."""

from collections.abc import Iterable

from ledger.core.entry import Entry
from ledger.core.policy import Policy
from ledger.core.projector import Projector, Row
from ledger.core.witness_policy import CheckpointWitnessedEntry, WitnessPolicyEntry
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.trust import witness_tables as t


class WitnessPolicyProjector:
    """One row a policy."""

    name = "witness-policy"
    version = 1
    kinds = frozenset({"witness-policy"})
    tables = (t.witness_policy.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: WitnessPolicyEntry = entry.body
        yield t.witness_policy.name, (pos_of(entry.log, entry.index), Policy.parse(body.policy).quorum)


class WitnessedProjector:
    """One row a checkpoint, and one a signature line."""

    name = "checkpoint-witnessed"
    version = 1
    kinds = frozenset({"checkpoint-witnessed"})
    tables = (t.witnessed.name, schema.cosignature.name)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: CheckpointWitnessedEntry = entry.body
        pos = pos_of(entry.log, entry.index)
        yield t.witnessed.name, (pos, body.origin, body.size, body.policy, body.state.value, body.missing)
        for ordinal, line in enumerate(body.lines):
            yield schema.cosignature.name, (pos, ordinal, body.origin, body.size, line)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors about witnesses."""
    return WitnessPolicyProjector(), WitnessedProjector()
