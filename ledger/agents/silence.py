"""When each connected agent was last heard, and the finding for one that has fallen silent.

An agent that has nothing to deliver still looks where the ledger stands, every half minute or so: so silence means that
it, its host or its network is down, not that nothing happened on the floor. One-way agents are judged by `receiving`.
"""

import threading
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from ledger.agents import tables
from ledger.agents.kinds import AgentState
from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.entry import draft
from ledger.findings.kinds import Finding, FindingSort
from ledger.store.engine import is_sqlite
from ledger.store.logs import SYSTEM_LOG
from ledger.store.store import Store

SAVED_EVERY_S: Final = 20
"""Seconds for which what was heard stays in memory: the judge may be another process."""


class Silence:
    """Notes what is heard of agents, and tells of those that fell silent. Safe to use from any number of threads."""

    def __init__(self, store: Store, log: int, after_s: float) -> None:
        """`log`: the record log that agents deliver to; `after_s`: how long an agent may say nothing."""
        self._store = store
        self._log = log
        self._after_us = int(after_s * MICROSECONDS)
        self._saved_every_us = int(min(SAVED_EVERY_S, after_s / 4) * MICROSECONDS)
        self._saved: dict[str, int] = {}
        self._lock = threading.Lock()

    def heard(self, agent: str) -> None:
        """The agent proved who it is, just now."""
        now = self._store.clock.now_us()
        with self._lock:
            if now - self._saved.get(agent, 0) < self._saved_every_us:
                return
            self._saved[agent] = now
        row = tables.agent_heard.c
        with self._store.writing() as connection:
            insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
            connection.execute(
                insert(tables.agent_heard)
                .values(log=self._log, agent=agent, last_us=now)
                .on_conflict_do_update(
                    index_elements=["log", "agent"], set_={"last_us": now, "told": False}, where=row.last_us < now
                )
            )

    def judge(self) -> list[str]:
        """Enters a finding for each agent in use that was heard once and has fallen silent since; once a silence.

        Returns the names of these agents.
        """
        row, agent, now = tables.agent_heard.c, tables.agent.c, self._store.clock.now_us()
        in_use = select(agent.key).where(
            agent.log == SYSTEM_LOG, agent.to_index.is_(None), agent.state == AgentState.CONFIRMED.value
        )
        silent = (row.log == self._log, row.last_us < now - self._after_us, row.told.is_(False), row.agent.in_(in_use))
        with self._store.reading() as connection:
            found = connection.execute(select(row.agent, row.last_us).where(*silent).order_by(row.agent)).all()
        for one in found:
            detail = f"Nothing was heard of agent {one.agent} since {utc_text(one.last_us)}."
            told = Finding(sort=FindingSort.AGENT_SILENT, source=None, entries=(), detail=detail)
            self._store.append_one(self._log, draft(told))
            # After the finding: a crash between the two tells twice, never not at all.
            with self._store.writing() as connection:
                connection.execute(
                    update(tables.agent_heard)
                    .where(row.log == self._log, row.agent == one.agent, row.last_us == one.last_us)
                    .values(told=True)
                )
        return [one.agent for one in found]
