"""Peak memory of verification, a package, an export and published tiles, each in its own process, on a ledger at
two sizes.

`python -m tests.soak.memory verify|columns|package|export|audit LEDGER` does the work and prints its peak in bytes.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.exporting import Wanted, begin
from ledger.packages import issue
from ledger.service import Service
from ledger.settings import Settings
from ledger.sources.narrowing import Where
from ledger.store.append import Batch
from ledger.store.ordering import Sort
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from ledger.trust.auditing import Anchor, Auditor
from ledger.trust.export import export_tiles
from ledger.trust.published import FolderTiles
from reports.exports import Format
from tests.bench.corpus import submissions
from tests.bench.harness import AUTHORITY, LOG, ORIGIN, preparer, size

MIB = 1024 * 1024
_PART = 1000


class Growing:
    """A ledger that grows between two measurements."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        service = create(folder, Settings(origin=ORIGIN), AUTHORITY)
        service.sources.register(SourceConfig(id="bench", type="push", title="Bench"), AUTHORITY)
        service.close()
        self._source = submissions(sys.maxsize, seed=7)

    def grow(self, entries: int) -> None:
        """Appends records until the record log has so many entries."""
        service = Service(self.folder)
        try:
            prepare = preparer(service).prepare
            while (missing := entries - size(service)) > 0:
                drafts = [prepare(one) for one in itertools.islice(self._source, min(missing, _PART))]
                service.store.append(LOG, Batch(drafts))  # type: ignore[arg-type] # none is rejected
        finally:
            service.close()

    def peak(self, work: str) -> int:
        """Peak resident memory, in bytes, of a new process that does the work and succeeds."""
        return peak(self.folder, work)


def peak(folder: Path, work: str = "verify") -> int:
    """Peak resident memory, in bytes, of a new process that does the work on a ledger and succeeds."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.soak.memory", work, str(folder)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout.splitlines()[-1])


def growth(work: str, few: int, many: int) -> int:
    """By how many bytes the peak of the work grows from `few` entries to `many`."""
    with tempfile.TemporaryDirectory(prefix="trailseal-memory-") as folder:
        ledger = Growing(Path(folder) / "ledger")
        ledger.grow(few)
        before = ledger.peak(work)
        ledger.grow(many)
        return ledger.peak(work) - before


def _verify(service: Service) -> None:
    report = service.verifier.run(service.log())
    assert report.holds, report.summary


def _columns(service: Service) -> None:
    report = service.verifier.run(service.log(), levels=(1,), columns=True)
    assert report.holds, report.summary


def _package(service: Service) -> None:
    with tempfile.TemporaryDirectory(prefix="trailseal-memory-") as folder:
        issue(service, service.log(), BySearch(query=Query()), Path(folder) / "package.zip", AUTHORITY)


def _publish(service: Service) -> None:
    log, out = service.log(), service.folder / "published"
    export_tiles(service.store, log, service.publisher.publish(log), out, lambda _done, _total: None)


def _export(service: Service) -> None:
    wanted = Wanted(query=Query(), where=Where(), size=None, at_checkpoint=False, sort=Sort())
    for format_ in Format:
        begun = begin(service, service.log(), wanted, format_, AUTHORITY.actor, None)
        assert sum(map(len, begun.pieces)) > size(service)


def _audit(service: Service) -> None:
    # Exported by another process: what a database's cache takes is not what is compared.
    subprocess.run([sys.executable, "-m", "tests.soak.memory", "publish", str(service.folder)], check=True)
    out = service.folder / "published"
    anchor = Anchor(keys=tuple(service.verifiers(service.log())))
    verdict = Auditor(FolderTiles(out), anchor, full=True).verdict(state=service.folder / "seen.json")
    assert verdict.exit_code == 0, verdict.problems


def _peak() -> int:
    """The high-water mark of this program alone; getrusage would give its parent's, where that is larger."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, text = line.partition(":")
        if name == "VmHWM":
            return int(text.split()[0]) * 1024
    raise RuntimeError("the kernel tells no VmHWM")


_WORK: Final = {
    "verify": _verify, "columns": _columns, "package": _package, "export": _export, "publish": _publish,
    "audit": _audit,
}  # fmt: skip


def main(arguments: list[str]) -> None:
    """Does the work on the ledger and prints the peak."""
    work, folder = arguments
    service = Service(Path(folder))
    try:
        _WORK[work](service)
    finally:
        service.close()
    print(_peak())


if __name__ == "__main__":
    main(sys.argv[1:])
