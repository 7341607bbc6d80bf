"""A log that is rotated, and whose numbers begin again with each file: what its statement says, and cannot say."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest

from collectors.infra.tail import Tail
from collectors.runner import Runner
from ledger.completing import issue
from ledger.core.clock import SystemClock, utc_text
from ledger.core.completeness import CompletenessStatement
from ledger.core.parameters import ParameterName
from ledger.core.source import SourceConfig
from ledger.record_log import LocalSink
from ledger.sources.parameter_kinds import Parameter
from reports.complete import verify_statement
from reports.verdict import ExitCode
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger, new_ledger

MAPPING = """
name = "numbered"
version = 1
title = "Numbered lines"
[record]
id = { join = ["file.number", "file.offset"], by = "@" }
sequence = "entry.n"
action = { text = "update" }
occurred_at = "entry.at"
object = { type = { text = "thing" }, id = { text = "1" } }
"""
MINUTE = 60_000_000


class Rotating:
    """A program that numbers its lines from 1 in each file, and the source that reads it."""

    def __init__(self, folder: Path) -> None:
        self.ledger: Ledger = new_ledger(folder / "ledger")
        self.path = folder / "logs" / "app.log"
        self.path.parent.mkdir()
        self.began = SystemClock().now_us() - 60 * MINUTE
        self._minute = 0
        options = {"path": str(self.path), "format": "json"}
        self._source = SourceConfig(id="app", type="tail", title="App", options=options, mapping=MAPPING)
        log = self.ledger.service.record_log()
        log.sources.register(self._source, AUTHORITY)
        every = Parameter(
            name=ParameterName.SEQUENCE, value='{"policy":"every"}', source="app", reason="manual", authority=AUTHORITY
        )
        log.parameters.put(RECORDS, [every])

    def write(self, *numbers: int) -> None:
        with self.path.open("a") as file:
            for number in numbers:
                self._minute += 1
                at = utc_text(self.began + self._minute * MINUTE)
                file.write(json.dumps({"n": str(number), "at": at}) + "\n")

    def pull(self) -> None:
        clock = SystemClock()
        Runner(Tail(self._source, {}, clock), LocalSink(self.ledger.service.ingest, AUTHORITY), clock).pull()

    def stated(self) -> CompletenessStatement:
        service = self.ledger.service
        log = service.record_log()
        issued = issue(service, log, "app", self.began, SystemClock().now_us(), "review", AUTHORITY)
        assert verify_statement(issued.file, [service.vkey(log.log)]).exit_code is ExitCode.HOLDS
        return issued.statement


@pytest.mark.requirement("C08")
def test_over_rotations_all_lines_are_stated_and_what_the_numbers_cannot_tell(tmp_path: Path) -> None:
    log = Rotating(tmp_path)
    try:
        log.write(1, 2, 3)
        log.pull()
        log.write(4, 5)
        log.path.rename(log.path.with_name("app.log.1"))
        log.write(1, 2, 4, 5, 6)
        log.pull()
        with gzip.open(log.path.with_name("app.log.2.gz"), "wb") as packed:
            packed.write(log.path.with_name("app.log.1").read_bytes())
        log.path.with_name("app.log.1").unlink()
        shutil.copy(log.path, log.path.with_name("app.log.1"))
        os.truncate(log.path, 0)
        log.write(1, 2, 3)
        log.pull()
        found = log.stated()
        assert (found.records, found.dated) == (13, 13), "none is lost or taken twice"
        assert [one.state for one in found.stretches if one.state == "gap"] == []
        numbers = found.sequence
        assert (numbers.lacking, numbers.doubles, numbers.began_again) == (1, 0, 2), "3 of the second file"
        assert sum("began again 2 times" in line for line in found.not_known) == 1
    finally:
        log.ledger.service.close()


@pytest.mark.requirement("C08")
def test_a_file_that_was_rotated_away_before_its_end_was_read_is_where_it_could_not_be_known(tmp_path: Path) -> None:
    log = Rotating(tmp_path)
    try:
        log.write(1, 2, 3)
        log.pull()
        log.write(4, 5)
        log.path.unlink()
        log.write(1, 2, 3)
        log.pull()
        found = log.stated()
        assert found.records == 6
        (gap,) = [one for one in found.stretches if one.state == "gap"]
        assert "app.log" in gap.reason
        assert any("something is known to be missing" in line for line in found.not_known)
        numbers = found.sequence
        assert (numbers.lacking, numbers.doubles, numbers.began_again) == (0, 0, 1), "4 and 5 nobody can know of"
        assert any("whether records came after the last number before" in line for line in found.not_known)
    finally:
        log.ledger.service.close()
