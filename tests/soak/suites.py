"""Test files as steps of a soak run: pytest in a process of its own, with the long form's settings."""

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.soak.state import ROOT

_TEST_SECONDS = 7200


class SuiteFailed(AssertionError):
    """A test failed, or there was none; the message is the end of what pytest said."""


def run(targets: Sequence[str], seed: int, environment: Mapping[str, str] | None = None) -> str:
    """Runs test files or single tests with another seed (`TRAILSEAL_SEED`) and hypothesis in its `soak` profile.

    Returns what ran, in a few words. Raises SuiteFailed unless every test passed or was skipped, and one passed.
    """
    settings = {"TRAILSEAL_SEED": str(seed), "TRAILSEAL_SOAK": "1", "HYPOTHESIS_PROFILE": "soak"}
    with tempfile.TemporaryDirectory(prefix="trailseal-suite-") as folder:
        results = Path(folder) / "results.xml"
        options = ["-q", "-p", "no:cacheprovider", f"--timeout={_TEST_SECONDS}", f"--junitxml={results}"]
        ran = subprocess.run(
            [sys.executable, "-m", "pytest", *options, f"--hypothesis-seed={seed}", *targets],
            cwd=ROOT,
            env={**os.environ, **settings, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise SuiteFailed(ran.stdout[-3000:] + ran.stderr[-1000:])
        return _counted(results)


def _counted(results: Path) -> str:
    tests = list(ElementTree.parse(results).iter("testcase"))
    skipped = sum(1 for test in tests if test.find("skipped") is not None)
    if len(tests) == skipped:
        raise SuiteFailed(f"none of {len(tests)} tests ran")
    return f"{len(tests) - skipped} tests passed" + (f", {skipped} skipped" if skipped else "")
