"""What `make test` runs of many cases: each once, each kind in every way, and by another seed others."""

import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.support.sampled import WHOLE, Way, draw, one_in

BOTH: set[Way] = {("sqlite",), ("postgresql",)}


def drawn(ways: dict[str, set[Way]], seed: int = 1) -> set[tuple[str, Way]]:
    return draw(ways, random.Random(seed))


def test_each_case_is_run_in_one_way_and_as_many_in_the_one_as_in_the_other() -> None:
    cases = {f"case {number}": BOTH for number in range(20)}
    found = drawn(cases)
    assert {case for case, _ in found} == set(cases)
    assert Counter(way for _, way in found) == {("sqlite",): 10, ("postgresql",): 10}


def test_fewer_cases_than_ways_are_run_in_every_way() -> None:
    assert drawn({"alone": BOTH}) == {("alone", way) for way in BOTH}
    three: set[Way] = {("a",), ("b",), ("c",)}
    assert {way for _, way in drawn({"one": three, "other": three})} == three


def test_a_case_that_has_one_way_is_always_run_and_no_other_is_left_without() -> None:
    found = drawn({"sqlite alone": {("sqlite",)}, "other": BOTH})
    assert found == {("sqlite alone", ("sqlite",)), *(("other", way) for way in BOTH)}
    assert drawn({"a": {("a",), ("b",)}, "b": {("b",), ("c",)}})
    assert drawn({}) == set()


def test_another_seed_draws_others_and_the_same_seed_the_same() -> None:
    cases = {f"case {number}": BOTH for number in range(20)}
    assert drawn(cases, 1) == drawn(cases, 1)
    assert drawn(cases, 1) != drawn(cases, 2)


def test_one_in_five_is_drawn_in_its_order_and_all_in_a_soak() -> None:
    found = list(one_in(5, range(101)))
    assert found == sorted(set(found))
    assert len(found) == (101 if WHOLE else 21)
    assert list(one_in(5, "a")) == ["a"]


CASES = """
import pytest

pytestmark = pytest.mark.sampled

@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request): ...

@pytest.mark.parametrize("lie", [None, {}, "x", 4])
def test_many(ledger, lie): ...

def test_one(ledger): ...

def test_another(ledger): ...

def test_nowhere(): ...

@pytest.mark.sampled("share")
@pytest.mark.parametrize("share", [1, 2])
@pytest.mark.parametrize("target", ["a", "b", "c"])
def test_shares(target, share): ...
"""

FEW = """
import pytest

pytestmark = pytest.mark.few(3)
targets = pytest.mark.parametrize("target", range(9))

@targets
def test_first(target): ...

@targets
def test_second(target): ...

@targets
def test_third(target): ...

def test_alone(): ...
"""


def collected(folder: Path, cases: bool = False, **environment: str) -> Counter[str]:
    """How often each test would be run, or which of its cases."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(("TRAILSEAL_", "PYTEST_"))}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "tests.support.sampled", str(folder)],
        env={
            **known,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            **environment,
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return Counter(re.findall(r"::(\w+(?:\[\w+\])?)" if cases else r"::(\w+)", ran.stdout))


def test_a_run_leaves_out_what_was_not_drawn_and_a_soak_nothing(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = sampled\n")
    (tmp_path / "test_cases.py").write_text(CASES)
    once = {"test_many": 4, "test_one": 1, "test_another": 1, "test_nowhere": 1, "test_shares": 3}
    assert collected(tmp_path) == once
    whole = {name: 2 * number for name, number in once.items()} | {"test_nowhere": 1}
    assert collected(tmp_path, TRAILSEAL_SOAK="1") == whole


def test_few_cases_are_run_of_each_test_and_over_all_tests_each_case_equally_often(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = few\n")
    (tmp_path / "test_few.py").write_text(FEW)
    once = {"test_first": 3, "test_second": 3, "test_third": 3, "test_alone": 1}
    assert collected(tmp_path) == once
    found = {case for case in collected(tmp_path, cases=True) if "[" in case}
    assert Counter(case.partition("[")[2] for case in found) == dict.fromkeys((f"{n}]" for n in range(9)), 1)
    assert collected(tmp_path, cases=True) != collected(tmp_path, cases=True, TRAILSEAL_SEED="7")
    whole = collected(tmp_path, TRAILSEAL_SOAK="1")
    assert whole == dict.fromkeys(once, 9) | {"test_alone": 1}
