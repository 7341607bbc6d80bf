"""Two services append to one ledger on SQLite in turn: each knows every record again, with its filter or without."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection

from ledger.core.run import Status
from ledger.core.tokens import key_token
from ledger.service import Service
from ledger.store import key_filter, key_index
from ledger.store.key_filter import KeyFilter, Keys
from ledger.store.known import Stored
from ledger.store.rebuild import rebuild
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, batch, new_ledger, submission

FEW = 12
CONTENTS = ("first", "second")


def filter_of(service: Service) -> KeyFilter:
    found = service.store._sequencers[RECORDS][1]._filter
    assert found is not None
    return found


def settle(service: Service) -> None:
    """Waits for the thread that fills the filter, if there is one."""
    thread = filter_of(service)._thread if RECORDS in service.store._sequencers else None
    if thread is not None:
        thread.join(30)


class TwoServices(RuleBasedStateMachine):
    """The model: at which index each record id stands with each content."""

    @initialize()
    def begin(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(key_filter, "SOME", 1)
        self._patch.setattr(key_filter, "WORTH", 10**9)
        self._patch.setattr(key_filter, "FEW", FEW)
        self._patch.setattr(key_filter, "SLICE", 3)
        self._patch.setattr(key_filter, "LEAST", 16)
        self._folder = tempfile.TemporaryDirectory(prefix="trailseal-filter-")
        self.made: Ledger = new_ledger(Path(self._folder.name) / "ledger")
        self.services = [self.made.service, self.made.open()]
        self.stored: dict[tuple[int, str], int] = {}
        self.runs = 0
        self.passed = 0

    @rule(
        by=st.integers(0, 1),
        given=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(CONTENTS)), min_size=1, max_size=FEW + 4),
        settled=st.booleans(),
    )
    def collect(self, by: int, given: list[tuple[int, str]], settled: bool) -> None:
        service = self.services[by]
        if settled:
            settle(service)
        self.runs += 1
        cursor_from = service.ingest.state("erp").cursor
        made = [submission(number, reason=content) for number, content in given]
        receipt = service.ingest.submit(batch(made, cursor_from=cursor_from, cursor_to=str(self.runs)), AUTHORITY)
        for key, outcome in zip(given, receipt.outcomes, strict=True):
            if key in self.stored:
                assert (outcome.status, outcome.index) == (Status.DUPLICATE, self.stored[key])
            else:
                assert outcome.status is Status.APPENDED
                assert outcome.index is not None
                self.stored[key] = outcome.index

    @rule(by=st.integers(0, 1))
    def restart(self, by: int) -> None:
        self.services[by].close()
        self.services[by] = self.made.open()

    @rule()
    def rebuild(self) -> None:
        rebuild(self.services[0].store, self.made.owner_url, ["record"])

    @invariant()
    def a_filter_knows_every_record_before_its_mark(self) -> None:
        for service in self.services:
            if RECORDS in service.store._sequencers and (keys := filter_of(service)._keys) is not None:
                size = filter_of(service)._mark.size
                before = [key_token("erp", str(number)) for (number, _), at in self.stored.items() if at < size]
                assert keys.known(before) == before

    @invariant()
    def each_record_stands_once(self) -> None:
        with self.services[0].store.reading() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM record").scalar_one() == len(self.stored)

    def teardown(self) -> None:
        for service in self.services:
            service.close()
        self.made.close()
        self._folder.cleanup()
        self._patch.undo()


TestTwoServices = TwoServices.TestCase
TestTwoServices.settings = settings(parent=settings.default, max_examples=6, stateful_step_count=15)


def test_a_filter_that_grew_knows_all_that_was_added_and_little_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_filter, "LEAST", 64)
    keys = Keys(0)
    tokens = [key_token("erp", str(number)) for number in range(5_000)]
    for at in range(0, len(tokens), 70):
        keys.add(tokens[at : at + 70])
    assert len(keys._filters) > 5
    assert keys.known(tokens) == tokens
    others = [key_token("dcs", str(number)) for number in range(5_000)]
    assert len(keys.known(others)) < 100


def test_what_is_new_is_not_looked_up_once_the_filter_is_filled(
    sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, asked = sqlite_ledger, list[int]()

    def counted(connection: Connection, log: int, keys: set[tuple[str, str]]) -> Iterator[Stored]:
        asked.append(len(keys))
        return key_index.find(connection, log, keys)

    monkeypatch.setattr("ledger.store.append.find", counted)
    monkeypatch.setattr(key_filter, "SOME", 10)
    ledger.submit([submission(number) for number in range(30)], cursor_to="1")
    settle(ledger.service)
    ledger.submit([submission(number) for number in range(20, 60)], cursor_to="2")
    assert asked == [30, 10]


def test_a_process_that_appends_little_fills_nothing(sqlite_ledger: Ledger) -> None:
    sqlite_ledger.submit([submission(number) for number in range(100)], cursor_to="1")
    assert filter_of(sqlite_ledger.service)._thread is None
    assert filter_of(sqlite_ledger.service)._keys is None
