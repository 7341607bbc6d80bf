"""No bytes in place of an original crash, hang or grow what reads them: they become a record, or are refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.registry import COLLECTORS, collector_type
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Original
from tests.conformance.targets import Target, make
from tests.fuzz.job import CORPUS_FOLDER, INPUTS, JOB_FILE, OUTCOME_FILE, Form, Job, Outcome
from tests.soak.state import ROOT
from tests.support.memory_sink import MemorySink
from tests.support.seeds import SEED

LONG = "TRAILSEAL_SOAK" in os.environ
COUNT = INPUTS if LONG else 3_000
TYPES = sorted(COLLECTORS) if LONG else ["folder"]
"""All in `make soak`; in `make test`, where each type's property tests stand for it, one that needs no server."""
INPUT_SECONDS = 5
MIB = 2**20
LARGEST = 8192
"""Bytes of an input, unless a seed has more."""
GROWTH, MEMORY_MIB = 64 * MIB, 1024


@pytest.fixture(params=TYPES)
def originals(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Target, list[Original]]]:
    """What a real source of the type gave, among it hostile texts."""
    target = make(request.param, tmp_path_factory)
    target.start()
    try:
        sink = MemorySink(target.config.id)
        for texts in (["T-1"], ["T-2", *target.hostile][: target.at_once], ["T-3"]):
            target.work(texts)
            collector = collector_type(request.param)(target.config, target.secrets, SystemClock())
            Runner(collector, sink, SystemClock()).pull(listen_seconds=target.listen)
        found = [one.original for run in sink.runs for one in run.submissions if one.original is not None]
        yield target, found
    finally:
        target.stop()
        target.close()


def test_no_bytes_in_place_of_an_original_crash_hang_or_grow_the_reader(
    originals: tuple[Target, list[Original]], tmp_path: Path
) -> None:
    target, seeds = originals
    assert seeds, "there is nothing to begin from"
    forms = tuple(dict.fromkeys(_form(seed) for seed in seeds))
    (tmp_path / CORPUS_FOLDER).mkdir()
    for number, seed in enumerate(seeds):
        (tmp_path / CORPUS_FOLDER / f"seed-{number}").write_bytes(bytes([forms.index(_form(seed))]) + seed.data)
    job = Job(config=target.config, secrets=target.secrets, forms=forms, inputs=COUNT)
    (tmp_path / JOB_FILE).write_bytes(msgspec.json.encode(job))
    options = {
        "seed": SEED,
        "timeout": INPUT_SECONDS,
        "rss_limit_mb": MEMORY_MIB,
        "max_len": max(LARGEST, 1 + max(len(seed.data) for seed in seeds)),
        "verbosity": 0,
        "artifact_prefix": f"{tmp_path}/found-",
    }
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.fuzz.child",
            str(tmp_path),
            *(f"-{name}={value}" for name, value in options.items()),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    inputs = [path.read_bytes() for path in tmp_path.glob("found-*")]
    assert (ran.returncode, inputs) == (0, []), ran.stdout[-3000:] + ran.stderr[-3000:]
    outcome = msgspec.json.decode((tmp_path / OUTCOME_FILE).read_bytes(), type=Outcome)
    print(f"{target.config.type}: {outcome}")
    assert outcome.records + outcome.refused == COUNT
    assert outcome.records > 0, "what the source itself gave is read"
    assert outcome.refused > 0, "what no source would give is refused"
    assert outcome.memory_late - outcome.memory_early < GROWTH
    assert outcome.slowest_s < INPUT_SECONDS


def _form(seed: Original) -> Form:
    return Form(media_type=seed.media_type, parser=seed.parser, parser_version=seed.parser_version)
