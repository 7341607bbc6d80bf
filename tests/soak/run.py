"""Runs the steps that are not done yet, one after the other, and sums up."""

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tests.soak.state import State, StepResult


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that is done as a whole or again; `run` says what it did, or raises."""

    name: str
    asked: int
    run: Callable[[], str]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One promise put to the long test; `unit` is what is counted."""

    name: str
    unit: str
    steps: tuple[Step, ...]

    @property
    def asked(self) -> int:
        return sum(step.asked for step in self.steps)


class PartReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a part; `failed` has the error of each step that failed, `seconds` is what all of it took."""

    name: str
    unit: str
    asked: int
    done: int
    failed: dict[str, str]
    seconds: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a run; `ok` when all that was asked for is done."""

    ok: bool
    seed: int
    parts: tuple[PartReport, ...]


def run(chosen: Sequence[Part], state: State, file: Path) -> Report:
    """Does every step that `state` does not know as done, keeping each result in `file` at once."""
    for part in chosen:
        for step in part.steps:
            earlier = state.result(part.name, step.name)
            if earlier is None or earlier.error:
                state.add(file, part.name, step.name, _done(part, step))
    return report_of(chosen, state)


def report_of(chosen: Sequence[Part], state: State) -> Report:
    """What became of the run so far; what is not done yet is missing in it, and it is not `ok`."""
    lines = tuple(_summed(part, state) for part in chosen)
    return Report(ok=all(line.done == line.asked for line in lines), seed=state.seed, parts=lines)


def _done(part: Part, step: Step) -> StepResult:
    began = time.monotonic()
    says, error = "", ""
    try:
        says = step.run()
    except Exception as failed:  # whatever went wrong in one step, the others are run
        error = "".join(traceback.format_exception(failed))
    seconds = round(time.monotonic() - began, 1)
    print(f"{part.name:18} {step.name:28} {seconds:7.1f} s  {error or says}", flush=True)
    return StepResult(done=0 if error else step.asked, seconds=seconds, says=says, error=error)


def _summed(part: Part, state: State) -> PartReport:
    results = [(step.name, state.result(part.name, step.name)) for step in part.steps]
    known = [(name, result) for name, result in results if result is not None]
    return PartReport(
        name=part.name,
        unit=part.unit,
        asked=part.asked,
        done=sum(result.done for _, result in known),
        failed={name: result.error for name, result in known if result.error},
        seconds=round(sum(result.seconds for _, result in known), 1),
    )
