"""How long a source alone held its records: measured, unknown where it does not tell, against a limit."""

from typing import Any

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.parameters import ParameterName
from ledger.findings.kinds import Finding, FindingSort
from ledger.sources.exposed import Exposed, Window, exposed, lately
from ledger.sources.parameter_kinds import Parameter
from ledger.sources.parameters import Parameters
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

S = 1_000_000
RECEIVED_US = START_US + 5_000 * S


def held(ledger: Ledger, *seconds: float | None) -> list[int]:
    """A run of records that the source held so long; None: it does not say. Their entries."""
    known = int(ledger.service.ingest.state(SOURCE).cursor or 0)
    submissions = []
    for place, length in enumerate(seconds):
        recorded = None if length is None else source_time(RECEIVED_US - int(length * S))
        made = submission(known + place, source_recorded_at=recorded)
        submissions.append(msgspec.structs.replace(made, received_at=utc_text(RECEIVED_US)))
    receipt = ledger.submit(submissions, cursor_to=str(known + len(seconds)))
    return [one.index for one in receipt.outcomes]


def limit(ledger: Ledger, seconds: int | None, **more: Any) -> int:
    value = None if seconds is None else f'{{"limit_s":{seconds}}}'
    usual: dict[str, Any] = {"name": ParameterName.EXPOSURE, "source": SOURCE, "reason": "risk", "authority": AUTHORITY}
    return Parameters(ledger.store).put(RECORDS, [Parameter(value=value, **(usual | more))])[0]


def measured(ledger: Ledger, low: int = 0, high: int = 1000, size: int | None = None) -> Exposed:
    with ledger.store.reader(RECORDS) as reader:
        as_of = reader.head().size if size is None else size
        bounds = (START_US + low * S, START_US + high * S)
        return exposed(reader.connection, Parameters(ledger.store), RECORDS, as_of, SOURCE, *bounds)


def test_the_window_is_measured_and_what_a_source_does_not_tell_is_counted(ledger: Ledger) -> None:
    assert measured(ledger).window == Window(
        records=0, unknown=0, negative=0, median_us=None, p95_us=None, longest_us=None
    )
    indices = held(ledger, *range(1, 21), None, -3)
    found = measured(ledger)
    assert found.window == Window(records=21, unknown=1, negative=1, median_us=10 * S, p95_us=19 * S, longest_us=20 * S)
    assert (found.limit_us, found.limit_entry, found.over, found.over_indices) == (None, None, 0, ())
    size = limit(ledger, 18)
    found = measured(ledger)
    assert (found.limit_us, found.limit_entry, found.over) == (18 * S, size, 2)
    assert found.over_indices == (indices[19], indices[18]), "the longest first"
    assert measured(ledger, size=size).limit_us is None
    some = measured(ledger, 0, 3)
    assert (some.window.records, some.window.longest_us, some.over) == (3, 3 * S, 0), "records 0, 1 and 2"


def test_the_newest_records_that_tell_are_a_sample(ledger: Ledger) -> None:
    held(ledger, 100, 5, None, 7, 6)
    with ledger.store.reader(RECORDS) as reader:
        found = lately(reader.connection, RECORDS, reader.head().size, SOURCE, 3)
    assert found == Window(records=3, unknown=0, negative=0, median_us=6 * S, p95_us=7 * S, longest_us=7 * S)
    for length in (1, 2, 3, 4):
        held(ledger, length)
    with ledger.store.reader(RECORDS) as reader:
        found = lately(reader.connection, RECORDS, reader.head().size, SOURCE, 3)
        none = lately(reader.connection, RECORDS, reader.head().size, "none", 3)
    assert (found.records, found.median_us, found.longest_us) == (3, 3 * S, 4 * S), "of several runs"
    assert none.median_us is None


def findings(ledger: Ledger) -> list[Finding]:
    with ledger.store.reader(RECORDS) as reader:
        bodies = [
            ledger.store.kinds["finding"].decode(entry.body)
            for entry in reader.entries(0, reader.head().size)
            if entry.body is not None and decode_leaf(entry.leaf).kind == "finding"
        ]
    return [body for body in bodies if isinstance(body, Finding)]


def test_a_run_over_the_limit_is_one_finding_whatever_the_replay(ledger: Ledger) -> None:
    exposing = ledger.service.record_log().exposing
    held(ledger, 500)
    assert exposing.judge() == [], "nobody has set a limit"
    by = limit(ledger, 60, source=None)
    assert exposing.judge() == [], "what came before the limit was set is not judged by it"
    good = held(ledger, 60, -1000, None)
    bad = held(ledger, 61, 5, 90)
    (told,) = exposing.judge()
    assert exposing.judge() == []
    (finding,) = findings(ledger)
    run = bad[-1] + 1
    assert (finding.sort, finding.source) == (FindingSort.EXPOSURE_EXCEEDED, SOURCE)
    assert finding.entries == (run, bad[2], bad[0]), "the run, then the longest first"
    assert all(text in finding.detail for text in (f"run {run}", "2 records", "90.000 s", "60 s", f"entry {by}"))
    again = ledger.open().record_log().exposing
    assert again.judge() == [], "another process finds its place by what was told"
    limit(ledger, 200, type="tag")
    held(ledger, 150)
    limit(ledger, 10, type="tag")
    assert again.judge() == [], "judged by the limit as of the run"
    newer = held(ledger, 11)
    (second,) = again.judge()
    assert (findings(ledger)[-1].entries[1:], second > told) == (tuple(newer), True)
    assert good[0] not in finding.entries
    assert exposing.judge() == [], "one that led before knows what the other told"
