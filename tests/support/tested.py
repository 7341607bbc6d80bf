"""The support table of the README, made by the test run itself: what was run, against what, and passed.

A test says what it tries with `@pytest.mark.tested(...)`; the conformance suite says it for each target. A row stands
in the table only if every test that bears it passed. `make test` checks the README against its own run;
`python -m tests.support.tested --write`, after a run, brings the README up to date.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from ledger.core.system_class import SystemClass

ROOT: Final = Path(__file__).parents[2]
RESULTS: Final = ROOT / ".venv" / "tested.json"
README: Final = ROOT / "README.md"
BEGIN, END = "<!-- tested: begin -->", "<!-- tested: end -->"
_PROPERTY = "tested"
_CLASSES = {
    SystemClass.ERP: "ERP",
    SystemClass.PLM: "PLM",
    SystemClass.LIMS: "LIMS",
    SystemClass.QUALITY_SYSTEM: "quality system, change control",
    SystemClass.PLC: "PLC",
    SystemClass.DCS: "DCS",
    SystemClass.SCADA: "SCADA",
    SystemClass.HISTORIAN: "historian",
    SystemClass.MES: "MES, batch and device history records",
    SystemClass.MAINTENANCE: "maintenance",
    SystemClass.DIRECTORY: "access control and directory",
    SystemClass.CHROMATOGRAPHY: "chromatography data system",
    SystemClass.INSTRUMENT: "stand-alone instruments",
    SystemClass.BUILDING: "environmental and building monitoring",
    SystemClass.BADGE: "door badges",
    SystemClass.TRAINING: "training and absence",
    SystemClass.REMOTE_ACCESS: "remote access",
    SystemClass.PATCHING: "patching",
    SystemClass.BACKUP: "backup",
    SystemClass.SERVERS: "servers and network",
    SystemClass.TIME: "time synchronisation",
}


class Tested(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A row: a source of a class, read by a type, tried against something, and what its records hold."""

    system: SystemClass
    source: str
    type: str
    against: str
    holds: str


def note(item: pytest.Item, row: Tested) -> None:
    """What this test tries; its outcome decides whether the row stands."""
    item.user_properties.append((_PROPERTY, msgspec.json.encode(row).decode()))


class Outcomes:
    """A pytest plugin, for the process that hears of all tests: which rows were tried, and which failed."""

    def __init__(self) -> None:
        self._tried: dict[Tested, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == _PROPERTY and (report.when == "call" or report.failed):
                row = msgspec.json.decode(str(value), type=Tested)
                self._tried[row] = self._tried.get(row, True) and not report.failed

    def pytest_sessionfinish(self) -> None:
        if RESULTS.parent.is_dir():
            RESULTS.write_bytes(msgspec.json.encode(sorted(row for row, passed in self._tried.items() if passed)))


def table(rows: Iterable[Tested]) -> str:
    """The table in Markdown; a class that nothing was tried of says so."""
    return "\n".join(_lines(list(rows))) + "\n"


def _lines(rows: list[Tested]) -> Iterator[str]:
    yield "| class | source | type | tested against | its records hold |"
    yield "| --- | --- | --- | --- | --- |"
    for system, name in _CLASSES.items():
        found = sorted(row for row in rows if row.system is system)
        for row in found:
            yield f"| {name} | {row.source} | `{row.type}` | {row.against} | {row.holds} |"
        if not found:
            yield f"| {name} | none yet | | | |"


def main(arguments: list[str]) -> int:
    """Compares the README with the last run, or writes it; 0 if nothing stands there that was not tried and passed."""
    wanted = table(msgspec.json.decode(RESULTS.read_bytes(), type=list[Tested]))
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    stands, _, after = rest.partition(END)
    if stands.strip() == wanted.strip():
        return 0
    if "--write" in arguments:
        README.write_text(f"{before}{BEGIN}\n{wanted}{END}{after}", encoding="utf-8")
        return 0
    untried = sorted(set(stands.strip().splitlines()) - set(wanted.splitlines()))
    sys.stderr.write(
        "The README's table of sources is not what this run tried and passed. After a whole `make test`:\n"
    )
    sys.stderr.write("  .venv/bin/python -m tests.support.tested --write\n")
    for line in untried:
        sys.stderr.write(f"in the README, and not tried or not passed: {line}\n")
    # A row that is missing is a pity; a row that was not run is a lie.
    return 1 if untried else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
