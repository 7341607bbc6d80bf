"""Levels 2 to 5, and how soon a checkpoint is published that two witnesses on loopback have cosigned."""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.core.clock import SystemClock
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.record import Submission
from ledger.core.witness_policy import RunBy, WitnessAbout, WitnessRole
from ledger.core.witnessing import Head
from ledger.integrity.run import LogRun
from ledger.integrity.tasks import Here
from ledger.service import Service
from ledger.store.logs import SYSTEM_LOG
from ledger.store.rebuild import rebuild
from ledger.trust.witness.folder import Settings, WitnessFolder
from ledger.trust.witness.serving import WitnessServer
from ledger.trust.witness.statement import Statement
from tests.bench.append import append
from tests.bench.corpus import submissions
from tests.bench.harness import AUTHORITY, LOG, Bench, Database, size
from tests.support.signers import Plant

ENTRIES = 40_000
CHECKPOINTS = 200
WITNESSED = 20
NEW = 10
"""Checkpoints that an incremental run has to judge."""
SIGNED = 60


def measure(bench: Bench, database: Database) -> None:
    """Adds level2.*.of_rebuild, witnessed.*.seconds, and facts of levels 3 to 5: a checkpoint, a line, a signature."""
    source = submissions(1_000_000, seed=23)
    with database.ledger() as service:
        append(service, list(itertools.islice(source, ENTRIES)), 1000)
        _level2(bench, database, service)
        with _witnesses(service, service.folder.with_name(f"{service.folder.name}-witnesses")) as seconds:
            spent = [seconds(list(itertools.islice(source, 5))) for _ in range(WITNESSED)]
            bench.add(
                f"witnessed.{database.name}.seconds",
                sorted(spent)[WITNESSED // 2],
                "≤ 1",
                f"from the last entry to its checkpoint, cosigned by two witnesses; slowest {max(spent):.3f} s",
            )
            for _ in range(CHECKPOINTS):
                append(service, list(itertools.islice(source, 2)), 2)
                service.publisher.publish_all()
            _levels(bench, database, service)
            _incremental(bench, database, service, source)
    _signatures(bench, database)


@contextlib.contextmanager
def _witnesses(service: Service, folder: Path) -> Iterator[Callable[[list[Submission]], float]]:
    """Two witnesses over HTTP that the ledger's policy asks for; gives what appends, publishes and says how long."""
    with contextlib.ExitStack() as stack:
        names, lines = ("qa", "customer"), []
        for name in names:
            about = Statement(operator=name, administrator=name, host=name, identity_provider="none")
            made = WitnessFolder.create(folder / name, Settings(name=f"witness.example/{name}", statement=about))
            own = [signer.verifier for signer in made.signers]
            for log in service.store.logs():
                made.states.add(log.origin, service.verifiers(log), Head(size=0, root=EMPTY_ROOT))
            server = stack.enter_context(WitnessServer(made, SystemClock()))
            lines.append(f"witness {name} {own[0]} {server.address}")
        text = "\n".join([*lines, f"group both all {' '.join(names)}", "quorum both", ""])
        told = [WitnessAbout(witness=one, role=WitnessRole.QA, run_by=_run_by(one)) for one in names]
        service.witnesses.set_policy(text, _run_by("bench"), told, "bench", AUTHORITY)
        service.publisher.publish_all()

        def seconds(chosen: list[Submission]) -> float:
            append(service, chosen, len(chosen))
            started = time.perf_counter()
            service.publisher.publish_all()
            return time.perf_counter() - started

        yield seconds


def _run_by(name: str) -> RunBy:
    return RunBy(operator=name, administrator=name, host=name)


def _level2(bench: Bench, database: Database, service: Service) -> None:
    entries = size(service)
    started = time.perf_counter()
    rebuilt = rebuild(service.store, service.settings.owner_url(service.folder))
    anew = (time.perf_counter() - started) / rebuilt.entries
    one = _seconds(service, 2) / entries
    bench.add(
        f"level2.{database.name}.of_rebuild",
        anew / one,
        "≥ 0.5",
        f"{1 / one:,.0f} entries/s verified, {1 / anew:,.0f} entries/s rebuilt ({entries:,} entries)",
    )


def _levels(bench: Bench, database: Database, service: Service) -> None:
    with service.store.reading() as connection:
        count = {
            log: connection.exec_driver_sql(f"SELECT count(*) FROM checkpoint WHERE log = {log}").scalar() or 1
            for log in (SYSTEM_LOG, LOG)
        }
        lines = connection.exec_driver_sql("SELECT count(*) FROM cosignature").scalar() or 1
    three = _seconds(service, 3)
    bench.fact(f"level 3, {database.name}", f"{three / count[LOG] * 1e6:,.0f} µs a checkpoint ({count[LOG]} of them)")
    system = _seconds(service, 3, SYSTEM_LOG)
    bench.fact(
        f"level 3, system log, {database.name}", f"{system / lines * 1e6:,.0f} µs a cosignature ({lines} of them)"
    )
    bench.fact(f"level 5, {database.name}", f"{_seconds(service, 5) * 1e3:,.1f} ms with two witnesses asked")


def _incremental(bench: Bench, database: Database, service: Service, source: Iterator[Submission]) -> None:
    """Level 3 once more over a few checkpoints after those that it judged before, and over all of them."""
    for one in service.store.logs():
        report = service.verifier.run(one, levels=(1, 2, 3))
        assert report.holds, report.summary
    for _ in range(NEW):
        append(service, list(itertools.islice(source, 2)), 2)
        service.publisher.publish_all()
    for log, name in ((LOG, "record log"), (SYSTEM_LOG, "system log")):
        part, whole = _seconds(service, 3, log, full=False), _seconds(service, 3, log)
        bench.fact(
            f"level 3, incremental, {name}, {database.name}",
            f"{part * 1e3:,.1f} ms for {NEW} new checkpoints, {whole * 1e3:,.1f} ms in full",
        )


def _signatures(bench: Bench, database: Database) -> None:
    """Level 4 over signatures of a person, each of a record of its own, by a key that chains to the first start."""
    folder, place = database.place()
    with contextlib.closing(Plant(folder, place)) as plant:
        plant.found()
        for index in plant.records(SIGNED):
            plant.quality.sign(index)
        signed = plant.signatures()
        spent = _seconds(plant.service, 4, SYSTEM_LOG)
    bench.fact(
        f"level 4, {database.name}", f"{spent / signed * 1e6:,.0f} µs an electronic signature ({signed} of them)"
    )


def _seconds(service: Service, level: int, log: int = LOG, *, full: bool = True) -> float:
    verifier = service.verifier
    chosen = next(one for one in service.store.logs() if one.number == log)
    runner = Here(verifier._reading, service.store.kinds, service.store.projections)
    run = LogRun(
        verifier._reading,
        runner,
        service.store.kinds,
        service.store.projections,
        chosen,
        verifier._keys,
        service.rollback.judge,
    )
    start, judged = (None, None) if full else verifier._last_stands(chosen)
    started = time.perf_counter()
    found = run.verify((level,), start, None, False, lambda level, done, total: None, lambda stand: None, judged)
    spent = time.perf_counter() - started
    assert found.levels[0].fault is None, found.levels[0].fault
    assert full or found.levels[0].left_out
    assert level != 5 or not found.levels[0].unknown, found.levels[0].unknown
    return spent
