"""The edge agents as the page shows them: each with when it was last heard, and the broker between, where there is one.

Agents that were revoked are left out: nothing is expected of them any more.
"""

import msgspec
from sqlalchemy import Connection, Integer, cast, func, select

from ledger.agents import tables
from ledger.agents.broker_state import BrokerState
from ledger.agents.kinds import AgentState
from ledger.core.clock import parse_utc
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.states import State, judged
from ledger.present.times import Moment, ago, moment
from ledger.store.logs import SYSTEM_LOG
from ledger.web.views.common import Scope


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One agent. `heard`: when it last proved who it is, to one of the logs that the reader sees; None: never."""

    name: str
    zone: str
    sources: str
    says: str
    state: State
    heard: Moment | None
    age: str


class BrokerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The connection to the broker, of the process that shows the page."""

    url: str
    state: State
    says: str
    since: Moment
    trouble: str
    counted: str


class AgentsView(msgspec.Struct, frozen=True, kw_only=True):
    """All agents that may deliver or are to, by name, and the broker; None where the settings name none."""

    agents: tuple[AgentStatus, ...]
    broker: BrokerStatus | None


def agents_view(scope: Scope, connection: Connection, broker: BrokerState | None, now: int) -> AgentsView:
    """Reads how the agents stand in this snapshot."""
    row, heard = tables.agent.c, tables.agent_heard.c
    logs = [log.number for log in scope.logs]
    found = connection.execute(
        select(row.key, row.state, row.zone, row.sources, func.max(heard.last_us), func.max(cast(heard.told, Integer)))
        .outerjoin(tables.agent_heard, (heard.agent == row.key) & heard.log.in_(logs))
        .where(row.log == SYSTEM_LOG, row.to_index.is_(None), row.state != AgentState.REVOKED.value)
        .group_by(row.key, row.state, row.zone, row.sources)
        .order_by(row.key)
    ).all()
    return AgentsView(
        agents=tuple(_agent(scope, now, *one) for one in found),
        broker=None if broker is None else _broker(scope, broker),
    )


def _agent(
    scope: Scope, now: int, key: str, state: str, zone: str | None, sources: str, last: int | None, silent: int | None
) -> AgentStatus:
    says, judgement = f"agents.{state}", State.UNKNOWN
    if state == AgentState.CONFIRMED.value and last is not None:
        judgement = judged(not silent)
        says = "agents.silent" if silent else "agents.heard"
    return AgentStatus(
        name=inert(key),
        zone=inert(zone or ""),
        sources=one_line(", ".join(msgspec.json.decode(sources, type=tuple[str, ...]))),
        says=message(says),
        state=judgement,
        heard=None if last is None else moment(last, scope.zone),
        age="" if last is None else ago(last, now),
    )


def _broker(scope: Scope, broker: BrokerState) -> BrokerStatus:
    return BrokerStatus(
        url=inert(broker.url),
        state=judged(broker.connected),
        says=message("agents.broker.connected" if broker.connected else "agents.broker.away"),
        since=moment(parse_utc(broker.since), scope.zone),
        trouble=one_line(broker.trouble, 400),
        counted=message(
            "agents.broker.counted", answered=broker.answered, refused=broker.refused, unreadable=broker.unreadable
        ),
    )
