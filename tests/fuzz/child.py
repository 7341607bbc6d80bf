"""The process that is fuzzed: `python -m tests.fuzz.child FOLDER [libFuzzer options]`.

An exception that the contract does not name ends it with a code that is not 0, and the input stands in a file of the
folder; so does an input that takes too long, or too much memory.
"""

import os
import sys
from pathlib import Path
from time import perf_counter

import atheris
import msgspec

from collectors.registry import collector_type
from ledger.core import canonical
from ledger.core.clock import SystemClock
from ledger.core.errors import InvalidEntry, SkippableRecord
from ledger.core.record import Original
from tests.fuzz.job import CORPUS_FOLDER, JOB_FILE, OUTCOME_FILE, Job, Outcome


class Fuzzed:
    """Reads each input as an original, counts, and ends the process when it has seen enough."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._job = msgspec.json.decode((folder / JOB_FILE).read_bytes(), type=Job)
        config = self._job.config
        # A type's modules are loaded when it is first asked for.
        with atheris.instrument_imports(include=["collectors"]):
            kind = collector_type(config.type)
        self._collector = kind(config, self._job.secrets, SystemClock())
        self._records = self._refused = self._memory_early = 0
        self._slowest_s = 0.0

    def __call__(self, data: bytes) -> None:
        if not data:
            return
        form = self._job.forms[data[0] % len(self._job.forms)]
        original = Original(
            data=data[1:], media_type=form.media_type, parser=form.parser, parser_version=form.parser_version
        )
        began = perf_counter()
        try:
            canonical.encode_struct(self._collector.derive(original))
            self._records += 1
        except (SkippableRecord, InvalidEntry):  # both are quarantined (`collectors.batch`)
            self._refused += 1
        self._slowest_s = max(self._slowest_s, perf_counter() - began)
        done = self._records + self._refused
        if done == self._job.inputs // 10:
            self._memory_early = memory()
        if done == self._job.inputs:
            self._end()

    def _end(self) -> None:
        outcome = Outcome(
            records=self._records,
            refused=self._refused,
            memory_early=self._memory_early,
            memory_late=memory(),
            slowest_s=self._slowest_s,
        )
        (self._folder / OUTCOME_FILE).write_bytes(msgspec.json.encode(outcome))
        os._exit(0)


def memory() -> int:
    """Bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


if __name__ == "__main__":
    place = Path(sys.argv[1])
    atheris.Setup([sys.argv[0], *sys.argv[2:], str(place / CORPUS_FOLDER)], Fuzzed(place))
    atheris.Fuzz()
