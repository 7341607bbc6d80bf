"""What a polled source gives names no instant, only two looks: it belongs, may belong, or does not."""

import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.core.clock import utc_text
from ledger.core.record import Action, Change, Interval, LinkKind, Submission
from ledger.core.run import RunBatch
from ledger.core.statement import sign_report
from ledger.core.times import Basis as TimeBasis
from ledger.core.times import Precision, SourceTime
from ledger.trace.evidence import gather
from ledger.trace.selection import Basis, ByBatch, Chosen
from reports import layout
from reports.package import build
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.repack import forge, unpack
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger
from tests.unit.trace.small import SECOND, T0, clock, said

pytestmark = pytest.mark.sampled

BATCH = ByBatch(kind=LinkKind.BATCH, id="B")
START, STOP = Action.START, Action.STOP


def polled(number: int, *looks: tuple[float, float], equipment: str | None = "R-1", **more: Any) -> Submission:
    """A record that happened between two looks, seconds after T0, as a source that is polled gives it."""
    one = said(number, None, equipment=equipment, source_clock=None, **more)
    changes = tuple(
        Change(attribute=f"value {at}", old="1", new="2", inferred=Interval(after=_at(after), before=_at(before)))
        for at, (after, before) in enumerate(looks)
    )
    when = SourceTime(text="between two looks", precision=Precision.MICROSECOND, basis=TimeBasis.NONE)
    return msgspec.structs.replace(one, record=msgspec.structs.replace(one.record, occurred_at=when, changes=changes))


def _at(seconds: float) -> str:
    return utc_text(T0 + round(seconds * SECOND))


def collect(ledger: Ledger, *submissions: Submission) -> dict[int, int]:
    """One run; returns the entry of each record by its number."""
    if "dcs" not in {one.id for one in ledger.service.sources.list()}:
        ledger.register("dcs")
    cursor = ledger.service.ingest.state("dcs").cursor
    told = RunBatch(source="dcs", started_at=_at(0), ended_at=_at(0), cursor_from=cursor,
                    cursor_to=f"{cursor}.", submissions=submissions)  # fmt: skip
    receipt = ledger.service.ingest.submit(told, AUTHORITY)
    ledger.service.publisher.publish_all()
    return {
        int(one.record.source_record_id): made.index for one, made in zip(submissions, receipt.outcomes, strict=True)
    }


def chosen(ledger: Ledger, entries: dict[int, int]) -> tuple[Chosen, dict[int, tuple[Basis, bool]]]:
    numbers = {index: number for number, index in entries.items()}
    with ledger.store.reader(RECORDS) as reader:
        answer = Chosen(reader.connection, RECORDS, reader.head().size, BATCH)
        found = list(answer)
    assert [one.index for one in found] == sorted({one.index for one in found})
    return answer, {numbers[one.index]: (one.basis, one.why is None or one.why.certain) for one in found}


def occupied(*between: Submission, stop: bool = True) -> list[Submission]:
    last = [said(99, 20, STOP, batch="B")] if stop else []
    return [said(1, 10, START, batch="B"), *between, *last]


READ, SURE, EDGE, MAYBE = (Basis.READ, True), (Basis.DERIVED, True), (Basis.DERIVED, False), (Basis.POSSIBLE, False)


def test_two_looks_in_the_occupation_belong_across_its_edge_may_belong_and_outside_do_not(ledger: Ledger) -> None:
    entries = collect(
        ledger,
        *occupied(
            polled(2, (11, 19)), polled(3, (10, 20)), polled(4, (9, 12)), polled(5, (19, 21)), polled(6, (5, 25)),
            polled(7, (8, 9.9)), polled(8, (20.1, 30)), polled(9, (11, 12), (13, 30)),
            polled(10, (11, 12), equipment="R-2"), polled(11, (11, 12), batch="B"), polled(12), polled(13, (12, 11)),
        ),
    )  # fmt: skip
    answer, found = chosen(ledger, entries)
    assert found == {
        1: READ, 2: SURE, 3: SURE, 4: MAYBE, 5: MAYBE, 6: MAYBE, 9: MAYBE, 11: READ, 99: READ,
    }  # fmt: skip
    assert answer.undated == 2, "neither an instant nor looks, and looks that go backwards"


def test_an_occupation_without_an_end_and_edges_that_are_not_known_exactly(ledger: Ledger) -> None:
    entries = collect(ledger, *occupied(polled(2, (11, 500)), polled(3, (9, 12)), polled(4, (8, 9)), stop=False))
    assert chosen(ledger, entries)[1] == {1: READ, 2: SURE, 3: MAYBE}
    vague = clock(0, 2_000_000)
    entries |= collect(
        ledger, said(98, 20, STOP, batch="B", source_clock=vague), polled(5, (12, 19)), polled(6, (12, 17)),
        polled(7, (12, 23)), polled(8, (22.5, 23)),
    )  # fmt: skip
    found = chosen(ledger, entries)[1]
    assert (found[2], found[5], found[6], found[7], found.get(8)) == (MAYBE, EDGE, SURE, MAYBE, None)


def test_many_looks_are_read_page_by_page_and_each_is_counted_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.trace.membership.PAGE", 7)
    entries = collect(ledger, *occupied(*(polled(n, (11, 12)) if n % 3 else polled(n) for n in range(2, 62))))
    answer, found = chosen(ledger, entries)
    assert (sum(basis is Basis.DERIVED for basis, _ in found.values()), answer.undated) == (40, 20)


def test_the_package_says_what_belongs_and_what_may_and_anybody_can_check_it(ledger: Ledger, tmp_path: Path) -> None:
    collect(ledger, *occupied(polled(2, (11, 19)), polled(3, (9, 12)), polled(4, (19, 30)), polled(5, (30, 31))))
    service, out = ledger.service, tmp_path / "package.zip"
    log = service.log()

    def seal(payload: Any) -> bytes:
        return sign_report(log.origin, payload, service.keys.report_key(log.name))

    with gather(service.store, log, BATCH) as evidence:
        build(evidence, out, seal, product="trailseal test", disclose=False, zone="UTC")
    vkey = service.vkey(log)
    assert verify_package(out, [vkey]).exit_code is ExitCode.HOLDS
    _, files = unpack(out)
    said_of = msgspec.json.decode(files[layout.DESCRIPTION])
    counted = [said_of[name] for name in ("records", "read", "derived", "possible", "uncertain")]
    assert counted == [5, 2, 1, 2, 0]
    report = tmp_path / "report.pdf"
    report.write_bytes(files[layout.REPORT])
    shown = subprocess.run(["pdftotext", "-layout", report, "-"], capture_output=True, text=True, check=True).stdout
    shown = " ".join(shown.split())
    assert shown.count("May belong: R-1 was occupied") == 2
    assert shown.count("both in the occupation") == 1
    assert "lie in an occupation only in part: 2" in shown
    lines = files[layout.RECORDS]
    for old, new in ((b'"basis":"possible"', b'"basis":"derived"'), (b'"basis":"derived"', b'"basis":"possible"')):
        forged = tmp_path / "forged.zip"
        changed = {layout.RECORDS: lines.replace(old, new, 1)}
        forge(out, forged, lambda files, changed=changed: {**files, **changed})  # type: ignore[misc]
        verdict = verify_package(forged, [vkey])
        assert verdict.exit_code is ExitCode.WRONG
        assert "as far as the two looks say" in "\n".join(verdict.lines())
