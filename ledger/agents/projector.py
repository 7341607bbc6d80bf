"""Projectors of the agents domain."""

from collections.abc import Iterable

from ledger.agents import tables as t
from ledger.agents.kinds import AgentEntry, Delivery
from ledger.core import canonical
from ledger.core.batch import batch_digest
from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row, Valid
from ledger.store.position import pos_of


class AgentProjector:
    """Which agents there are, and since which entry each is as it is."""

    name = "agent"
    version = 1
    kinds = frozenset({"agent"})
    table = t.agent.name

    def changes(self, entry: Entry) -> Iterable[Valid]:
        body: AgentEntry = entry.body
        key = None if body.public_key is None else unb64(body.public_key, 32)
        sources = canonical.dumps(body.sources).decode()
        yield Valid(body.agent, (body.state.value, sources, body.zone, key, body.epoch))


class DeliveryProjector:
    """One row a batch that was delivered."""

    name = "delivery"
    version = 1
    kinds = frozenset({"delivery"})
    tables = (t.agent_batch.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        body: Delivery = entry.body
        head = body.header
        values = (head.agent, head.epoch, head.number, unb64(batch_digest(head), 32), body.run)
        yield t.agent_batch.name, (pos_of(entry.log, entry.index), *values)


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return AgentProjector(), DeliveryProjector()
