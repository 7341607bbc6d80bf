"""A soak run that was broken off goes on where it stopped, and what failed or is missing is never reported as done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.run import Part, Step, report_of, run
from tests.soak.state import State, code_digest, resumed


def part(**steps: Callable[[], str]) -> Part:
    made = [Step(name=name, asked=10, run=work) for name, work in steps.items()]
    return Part(name="kills", unit="kills", steps=tuple(made))


def fails() -> str:
    raise AssertionError("record 7 is lost")


def stops() -> str:
    raise KeyboardInterrupt


def test_steps_that_were_done_are_not_done_again_after_a_break(tmp_path: Path) -> None:
    file, ran = tmp_path / "state.json", list[str]()

    def first() -> str:
        ran.append("first")
        return "done"

    with pytest.raises(KeyboardInterrupt):
        run([part(first=first, second=stops)], State(code=code_digest(), seed=3), file)
    state = resumed(file)
    assert state is not None
    assert state.seed == 3
    so_far = report_of([part(first=first, second=stops)], state)
    assert (so_far.ok, so_far.parts[0].done, so_far.parts[0].asked, so_far.parts[0].failed) == (False, 10, 20, {})
    report = run([part(first=first, second=lambda: "done")], state, file)
    assert report.ok
    assert report.parts[0].done == 20
    assert ran == ["first"]


def test_a_failed_step_is_reported_others_are_run_and_it_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    report = run([part(first=fails, second=lambda: "done")], State(code=code_digest(), seed=3), file)
    assert not report.ok
    assert report.parts[0].done == 10
    assert "record 7 is lost" in report.parts[0].failed["first"]
    state = resumed(file)
    assert state is not None
    assert run([part(first=lambda: "done", second=fails)], state, file).ok


def test_results_of_other_code_are_not_gone_on_from(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    run([part(first=lambda: "done")], State(code="other", seed=3), file)
    assert resumed(file) is None
