"""Any sequence of runs, publications, rebuilds and restarts leaves a ledger that equals a model of a few lines."""

import os
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger.core.errors import Conflict
from ledger.core.merkle import verify_consistency
from ledger.core.run import Status
from ledger.core.source import SourceConfig
from ledger.service import Service
from ledger.store import search
from ledger.store.question import Query
from ledger.store.rebuild import rebuild
from tests.support.checking import assert_log_holds
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, batch, new_ledger, submission

SOURCES = ("erp", "dcs")
EXAMPLES = 1000 if "TRAILSEAL_SOAK" in os.environ else 8
CONTENTS = ("first", "second")
record_ids = st.integers(0, 5)


class LedgerMachine(RuleBasedStateMachine):
    """The model: what each record id of each source was given as, and at which index it stands."""

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="trailseal-machine-")
        self.made: Ledger = new_ledger(Path(self._folder.name) / "ledger")
        self.service: Service = self.made.service
        self.service.sources.register(SourceConfig(id="dcs", type="test", title="Another"), AUTHORITY)
        self.stored: dict[tuple[str, int, str], int] = {}
        self.latest: dict[tuple[str, int], int] = {}
        self.findings = 0
        self.cursors: dict[str, str | None] = dict.fromkeys(SOURCES)
        self.runs = 0
        self.published: dict[int, bytes] = {}

    @rule(
        source=st.sampled_from(SOURCES),
        given=st.lists(st.tuples(record_ids, st.sampled_from(CONTENTS)), max_size=6),
        strangers=st.integers(0, 2),
    )
    def collect(self, source: str, given: list[tuple[int, str]], strangers: int) -> None:
        self.runs += 1
        cursor = str(self.runs)
        made = [submission(number, source, reason=content) for number, content in given]
        wrong = [submission(n, "lims") for n in range(strangers)]
        receipt = self.service.ingest.submit(
            batch([*made, *wrong], source, cursor_from=self.cursors[source], cursor_to=cursor), AUTHORITY
        )
        for (number, content), outcome in zip(given, receipt.outcomes, strict=False):
            key = source, number, content
            if key in self.stored:
                assert (outcome.status, outcome.index) == (Status.DUPLICATE, self.stored[key])
                continue
            assert outcome.status is Status.APPENDED
            self.findings += (source, number) in self.latest
            self.stored[key] = self.latest[source, number] = outcome.index
        assert [one.status for one in receipt.outcomes[len(given) :]] == [Status.QUARANTINED] * strangers
        self.cursors[source] = cursor

    @rule(source=st.sampled_from(SOURCES))
    def collect_out_of_order(self, source: str) -> None:
        try:
            self.service.ingest.submit(
                batch([submission(99, source)], source, cursor_from="elsewhere", cursor_to="never"), AUTHORITY
            )
        except Conflict:
            return
        raise AssertionError("a run that starts elsewhere was taken")

    @rule()
    def publish(self) -> None:
        size = self.service.publisher.publish(self.service.log()).size
        with self.service.store.reader(RECORDS) as reader:
            assert size == reader.head().size
            self.published[size] = reader.head().root()

    @rule(names=st.one_of(st.none(), st.just(["record"]), st.just(["head"])))
    def rebuild(self, names: list[str] | None) -> None:
        assert rebuild(self.service.store, self.made.owner_url, names).heads_corrected == ()

    @rule()
    def restart(self) -> None:
        self.service.close()
        self.service = self.made.open()

    @precondition(lambda self: self.published)
    @rule(data=st.data())
    def prove_that_it_continues(self, data: Any) -> None:
        old = data.draw(st.sampled_from(sorted(self.published)))
        with self.service.store.reader(RECORDS) as reader:
            head = reader.head()
            proof = reader.consistency(old, head.size)
        verify_consistency(old, head.size, self.published[old], head.root(), proof)

    @invariant()
    def every_record_is_found_where_it_was_put(self) -> None:
        with self.service.store.reader(RECORDS) as reader:
            size = reader.head().size
            for source in SOURCES:
                for content in CONTENTS:
                    query = Query(source=source, text=content)
                    found = search.search(reader.connection, RECORDS, size, query, limit=100).indices
                    wanted = {i for (s, _, c), i in self.stored.items() if (s, c) == (source, content)}
                    assert found == tuple(sorted(wanted, reverse=True))
            assert search.count(reader.connection, RECORDS, size, Query()) == len(self.stored)

    @invariant()
    def every_source_stands_where_its_last_run_ended(self) -> None:
        assert {source: self.service.ingest.state(source).cursor for source in SOURCES} == self.cursors

    @invariant()
    def the_log_holds(self) -> None:
        assert_log_holds(self.service.store, RECORDS)
        rows = dict(self.counts())
        assert rows == {"collection_run": self.runs, "finding": self.findings, "record": len(self.stored)}

    def counts(self) -> list[tuple[str, int]]:
        with self.service.store.reading() as connection:
            return [
                (name, connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one())
                for name in ("collection_run", "finding", "record")
            ]

    def teardown(self) -> None:
        self.made.close()
        self._folder.cleanup()


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(parent=settings.default, max_examples=EXAMPLES, stateful_step_count=15)
