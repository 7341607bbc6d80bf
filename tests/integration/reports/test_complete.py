"""The statement of completeness: what it says, and each change is found without ledger and network."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ledger.completing import IssuedStatement, issue
from ledger.core.clock import utc_text
from ledger.core.errors import NotFound, SchemaViolation
from ledger.core.hashing import b64, unb64
from ledger.core.record import Interval
from ledger.core.run import Rejected
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.core.statement import sign_report
from ledger.sources.complete_kinds import CoverageStatement
from reports.complete import verify_statement
from reports.verdict import ExitCode, Outcome
from tests.support.ledgers import AUTHORITY, RECORDS, SOURCE, START_US, Ledger, source_time, submission

S = 1_000_000


def at(second: int) -> str:
    return utc_text(START_US + second * S)


def ran(ledger: Ledger, low: int, high: int, *seconds: int, **more: Any) -> int:
    """A run from one second to another, with records of these seconds; its entry."""
    known = int(ledger.service.ingest.state(SOURCE).cursor or 0)
    rows = [
        submission(known + place, occurred_at=source_time(START_US + second * S))
        for place, second in enumerate(seconds)
    ]
    cursor = str(known + len(rows) + 1)
    return ledger.submit(rows, cursor_to=cursor, started_at=at(low), ended_at=at(high), **more).run


def filled(ledger: Ledger) -> tuple[int, int]:
    """Runs before, over and after the interval from 100 to 200; the first and the last that reach over it."""
    ran(ledger, 0, 90, 10, 20)
    torn = Rejected(data=b"torn", media_type="text/plain", reason="torn", received_at=at(120))
    first = ran(ledger, 90, 120, 95, 100, 119, unreachable=(Interval(after=at(110), before=at(115)),), rejected=(torn,))
    last = ran(ledger, 120, 210, 150, 205)
    ran(ledger, 210, 300, 190, 250)
    return first, last


def stated(ledger: Ledger, low: int = 100, high: int = 200) -> IssuedStatement:
    log = ledger.service.record_log()
    bounds = (START_US + low * S, START_US + high * S)
    return issue(ledger.service, log, SOURCE, *bounds, "review", AUTHORITY)


def written(file: dict[str, Any]) -> bytes:
    """The entries' parts stand in the file as the log holds them."""
    return json.dumps(file, separators=(",", ":"), ensure_ascii=False).encode()


def vkey(ledger: Ledger) -> str:
    return ledger.service.vkey(ledger.service.record_log().log)


@pytest.mark.requirement("C08")
def test_what_was_received_is_stated_and_where_it_could_not_be_known(ledger: Ledger) -> None:
    first, last = filled(ledger)
    reconciling, bounds = ledger.service.record_log().reconciling, (START_US + 150 * S, START_US + 200 * S)
    counted = reconciling.by_count(SOURCE, *bounds, 1, "review", AUTHORITY).entry
    reconciling.by_count(SOURCE, bounds[1], bounds[1] + S, 0, "of another time", AUTHORITY)
    issued = stated(ledger)
    one = issued.statement
    ((entry, holds),) = [(each.entry, each.holds) for each in one.reconciliations]
    assert (entry, holds) == (counted, False), "150 and 190 were received"
    assert any(f"entry {counted}" in line for line in one.not_known)
    assert (one.runs, one.first_run, one.last_run, one.records) == (2, first, last, 5)
    assert (one.dated, one.dated_elsewhere) == (4, 1), "100, 119 and 150; 190 came with a later run"
    assert (one.duplicates, one.quarantined, one.disposed) == (0, 1, 0)
    assert [stretch.state for stretch in one.stretches] == ["covered", "unreachable", "covered"]
    assert any(at(110) in line for line in one.not_known)
    assert any("nobody has said" in line for line in one.not_known)
    with ledger.store.reader(RECORDS) as reader:
        body = ledger.store.kinds["coverage-statement"].decode(reader.entry(issued.entry).body or b"")
        assert (one.size, one.root) == (issued.entry, b64(reader.root(issued.entry)))
    assert isinstance(body, CoverageStatement)
    assert (body.source, body.from_at, body.to_at, body.records) == (SOURCE, at(100), at(200), 5)
    assert ledger.query("SELECT source, from_us, to_us FROM coverage_statement") == [
        (SOURCE, START_US + 100 * S, START_US + 200 * S)
    ]
    verdict = verify_statement(issued.file, [vkey(ledger)])
    assert (verdict.exit_code, verdict.records, verdict.size) == (ExitCode.HOLDS, 5, one.size), verdict
    assert [check.outcome for check in verdict.checks] == [Outcome.HOLDS] * 3
    assert ledger.service.verifier.run(ledger.service.record_log().log, full=True).holds


def test_a_time_before_the_first_run_is_stated_as_not_known(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    assert stated(ledger, -200, -100).statement.first_run is None
    filled(ledger)
    for low, high in ((-200, -100), (400, 500)):
        issued = stated(ledger, low, high)
        assert (issued.statement.records, issued.statement.runs) == (0, 0)
        assert verify_statement(issued.file, [vkey(ledger)]).exit_code is ExitCode.HOLDS
    whole = stated(ledger, -200, 500).statement
    assert (whole.records, whole.dated, whole.runs) == (9, 9, 4)
    log = ledger.service.record_log()
    with pytest.raises(NotFound, match="none"):
        issue(ledger.service, log, "none", 0, 1, "review", AUTHORITY)
    log.sources.register(SourceConfig(id="old", type=ARCHIVE, title="Old", mapping="version = 1"), AUTHORITY)
    with pytest.raises(SchemaViolation, match="imported"):
        issue(ledger.service, log, "old", 0, 1, "review", AUTHORITY)


def test_without_a_key_it_is_only_consistent_and_under_another_one_it_is_wrong(
    sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    filled(sqlite_ledger)
    issued = stated(sqlite_ledger)
    assert verify_statement(issued.file).exit_code is ExitCode.NOT_AUTHENTICATED
    other = sqlite_ledger.service.vkey(sqlite_ledger.service.system)
    assert verify_statement(issued.file, [other]).exit_code is ExitCode.WRONG


def test_each_change_of_the_file_is_found(sqlite_ledger: Ledger) -> None:
    filled(sqlite_ledger)
    issued, key = stated(sqlite_ledger), vkey(sqlite_ledger)
    file = json.loads(issued.file)
    hashes = unb64(file["leaf_hashes"])
    assert len(hashes) == 5 * 32

    def verdict(**changed: Any) -> ExitCode:
        found = verify_statement(written(file | changed), [key])
        assert (found.exit_code is ExitCode.WRONG) == bool(found.problems)
        return found.exit_code

    assert verdict() is ExitCode.HOLDS
    text: str = file["note"]
    members = json.loads(text.splitlines()[1])
    for name in members:
        # A member that is another, whatever it is; its signature is then of something else.
        changed = text.replace(f'"{name}":', f'"{name}x":', 1)
        assert verdict(note=changed) is ExitCode.WRONG, name
    assert verdict(note=text.replace('"records":5', '"records":4', 1)) is ExitCode.WRONG
    removed, doubled, swapped = hashes[32:], hashes + hashes[:32], hashes[32:64] + hashes[:32] + hashes[64:]
    for wrong in (b"", removed, doubled, swapped, bytes(32) + hashes[32:]):
        assert verdict(leaf_hashes=b64(wrong)) is ExitCode.WRONG
    assert verdict(leaf_hashes=None) is ExitCode.HOLDS, "and says that the records were not judged"
    for name in ("created", "report_key"):
        for member, value in file[name].items():
            other = value + 1 if isinstance(value, int) else "nothing"
            assert verdict(**{name: file[name] | {member: other}}) is ExitCode.WRONG, (name, member)
    assert verdict(checkpoint=file["checkpoint"].replace("—", "-")) is ExitCode.WRONG
    assert verdict(format="trailseal-completeness/2") is ExitCode.WRONG
    assert verdict(more=1) is ExitCode.WRONG
    for torn in (b"", b"{", issued.file[:-1], b"\xff", b"[" * 100_000):
        assert verify_statement(torn, [key]).exit_code is ExitCode.WRONG


def test_a_report_s_seal_is_no_statement(sqlite_ledger: Ledger) -> None:
    ledger = sqlite_ledger
    filled(ledger)
    file = json.loads(stated(ledger).file)
    log = ledger.service.record_log().log
    other = sign_report(log.origin, {"package": "p", "files": {}}, ledger.service.keys.report_key(log.name))
    verdict = verify_statement(written(file | {"note": other.decode()}), [vkey(ledger)])
    assert verdict.exit_code is ExitCode.WRONG


def test_it_is_verified_by_a_process_that_has_no_ledger(sqlite_ledger: Ledger, tmp_path: Path) -> None:
    filled(sqlite_ledger)
    file = tmp_path / "statement.json"
    file.write_bytes(stated(sqlite_ledger).file)
    code = (
        "import sys\n"
        "def refuse(event, _):\n"
        "    if event.startswith('socket.') and event != 'socket.gethostname': raise SystemExit(event)\n"
        "sys.addaudithook(refuse)\n"
        "from ledger.cli.app import app\n"
        "sys.argv = ['trailseal', 'verify', *sys.argv[1:]]\n"
        "app()\n"
    )
    for keys, wanted in ((["--vkey", vkey(sqlite_ledger)], 0), ([], 2)):
        done = subprocess.run(
            [sys.executable, "-c", code, str(file), *keys], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={"PYTHONPATH": str(Path(__file__).parents[3])},
        )  # fmt: skip
        assert done.returncode == wanted, done.stdout + done.stderr
        assert "not known" not in done.stderr
        assert "5 records in 2 runs" in done.stdout
