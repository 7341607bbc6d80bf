"""Each driver reads what happened in a real server of its kind: events a second, and CPU a thousand events.

The servers and what people do in them are those of the conformance suite, so a new source type needs no line here.
The driver runs in a process of its own (`tests.bench.collecting`): its CPU is counted, user and system, with that of
the programs that it starts, and the server's is not. Records go through the mapping to a sink that counts them.

A first look takes what is there, a second some events, to tell how many can be read in the time that is given. Then so
many things are done in the source, or as many as can be in that time, and the look that takes them all is measured; a
source that has places for a few changes between two looks is looked at again and again.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec
import pytest

from collectors.registry import COLLECTORS, collector_type
from tests.bench.collecting import MARK, Look, Task, Told
from tests.bench.harness import Bench
from tests.conformance.targets import Target, make

MOST = 6_000
"""Events that are made for one driver at most."""
SECONDS = 1.2
"""How long things are done in a source at most, and about how long they take to be read at most."""
PILOT = 40
WANTED = "reported"


def measure(bench: Bench, types: Sequence[str] = ()) -> None:
    """Adds driver.TYPE.events_per_s and driver.TYPE.cpu_ms_per_1000; what can't be measured is told as failed."""
    with tempfile.TemporaryDirectory(prefix="trailseal-bench-drivers-") as folder:
        factory = _factory(Path(folder))
        for source_type in types or sorted(COLLECTORS):
            try:
                told, looks = _measure(source_type, factory)
            except Exception as error:
                bench.failed(f"driver.{source_type}", f"{error.__class__.__name__}: {error}")
                continue
            cpu = told.cpu / told.events * 1e6
            says = f"{told.events:,} events in {told.seconds:.2f} s, {looks} look{'s' if looks > 1 else ''}"
            bench.add(f"driver.{source_type}.events_per_s", told.events / told.seconds, WANTED, says)
            bench.add(f"driver.{source_type}.cpu_ms_per_1000", cpu, WANTED, f"{told.cpu:.2f} s of CPU")


def _measure(source_type: str, factory: pytest.TempPathFactory) -> tuple[Told, int]:
    target = make(source_type, factory)
    try:
        target.start()
        try:
            with collecting(_direct(target)) as child:
                return _work_and_look(target, child)
        finally:
            target.stop()
    finally:
        target.close()


def _work_and_look(target: Target, child: "Child") -> tuple[Told, int]:
    child.look(Look())
    if target.at_once is None:
        tried = _make(target, 0, PILOT)
        pilot = child.look(Look(low=0, high=tried))
        # A source that streams is heard for a second before it counts as silent: that tells nothing of its speed.
        streaming = collector_type(target.config.type).streaming
        readable = MOST if streaming else min(MOST, int(tried / pilot.seconds * SECONDS))
        made = _make(target, tried, max(tried, readable))
        told, looks = child.look(Look(low=tried, high=tried + made)), 1
    else:
        told, looks = _look_often(target, target.at_once, child)
    if told.missing or told.rejected:
        raise RuntimeError(f"{told.missing} events did not come, {told.rejected} were rejected")
    return told, looks


def _make(target: Target, first: int, most: int) -> int:
    """Does things in the source until there are so many or time is over; returns how many."""
    done, chunk, began = 0, 4, time.monotonic()
    while done < most and time.monotonic() - began < SECONDS:
        chunk = min(chunk, most - done)
        before = time.monotonic()
        target.work([f"{MARK}{first + number}" for number in range(done, done + chunk)])
        done += chunk
        # As many as the time that is left allows, at the speed of the last ones; at most eight times as many.
        left = SECONDS - (time.monotonic() - began)
        chunk = max(1, min(chunk * 8, int(chunk * left / max(time.monotonic() - before, 1e-6))))
    return done


def _look_often(target: Target, at_once: int, child: "Child") -> tuple[Told, int]:
    done, looks, told = 0, 0, Told(events=0, rejected=0, missing=0, seconds=0.0, cpu=0.0)
    while told.seconds < SECONDS and done < MOST:
        target.work([f"{MARK}{number}" for number in range(done, done + at_once)])
        one = child.look(Look(low=done, high=done + at_once))
        told = Told(
            events=told.events + one.events,
            rejected=told.rejected + one.rejected,
            missing=told.missing + one.missing,
            seconds=told.seconds + one.seconds,
            cpu=told.cpu + one.cpu,
        )
        done, looks = done + at_once, looks + 1
        if one.missing:
            break
    return told, looks


def _direct(target: Target) -> Task:
    """The source without the cable between that tests pull."""
    config = target.config
    cable = target.cable
    if cable is not None and cable.rewrite is None:
        near, far = str(cable.port), str(cable.target)
        options = {
            name: far if value == near else value.replace(f":{near}", f":{far}")
            for name, value in config.options.items()
        }
        config = msgspec.structs.replace(config, options=options)
    return Task(config=config, secrets=target.secrets, listen=target.listen)


class Child:
    """The collecting process, at work while `collecting` is entered."""

    def __init__(self, ask: IO[str], answers: IO[str]) -> None:
        self._ask = ask
        self._answers = answers

    def look(self, look: Look) -> Told:
        self.begin(look)
        return self.answer()

    def begin(self, look: Look) -> None:
        """Begins a look whose `answer` is taken later."""
        self._ask.write(msgspec.json.encode(look).decode() + "\n")
        self._ask.flush()

    def answer(self) -> Told:
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError("the collecting process ended")
        return msgspec.json.decode(answer, type=Told)


@contextlib.contextmanager
def collecting(task: Task) -> Iterator[Child]:
    """A process that collects what the task says."""
    command = [sys.executable, "-m", "tests.bench.collecting"]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(task).decode() + "\n")
            yield Child(process.stdin, process.stdout)
        except (RuntimeError, BrokenPipeError) as error:
            process.kill()
            errors.seek(0)
            raise RuntimeError(f"{error} {errors.read()[-300:].strip()}") from None
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.stdout.close()
            process.wait(30)


def _factory(folder: Path) -> pytest.TempPathFactory:
    return pytest.TempPathFactory(
        given_basetemp=folder / "sources",
        retention_count=0,
        retention_policy="none",
        trace=lambda *_: None,
        _ispytest=True,
    )
