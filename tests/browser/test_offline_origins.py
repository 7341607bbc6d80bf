"""What a package says of where its records come from is judged by the page in a browser as at the terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from ledger.store.question import Query
from ledger.trace.selection import BySearch
from reports.verdict import ExitCode
from tests.browser.offline import Verifier, opened
from tests.integration.reports.test_marks import reordered, unchecked, unmarked, unsaid
from tests.integration.reports.test_marks import site as marked_site  # noqa: F401 - a fixture
from tests.integration.reports.test_origins import ATTACKS, Told
from tests.integration.reports.test_origins import told as imported  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def verifier(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    with opened(browser, tmp_path_factory.mktemp("page")) as one:
        yield one


def test_a_package_of_imported_and_marked_records_holds(imported: Told, verifier: Verifier) -> None:  # noqa: F811
    assert imported.verdict().exit_code is ExitCode.HOLDS
    assert verifier.judge(imported.path, imported.vkey).sum == "holds"


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_what_stands_behind_records_is_found(
    name: str,
    imported: Told,  # noqa: F811
    verifier: Verifier,
    tmp_path: Path,
) -> None:
    path = tmp_path / "forged.zip"
    assert imported.forged(path, ATTACKS[name][0]).exit_code is ExitCode.WRONG
    found = verifier.judge(path, imported.vkey)
    assert found.sum == "wrong"
    assert "holds" not in found.lines.values()


def test_a_package_that_hides_a_mark_does_not_hold(
    marked_site: object,  # noqa: F811
    verifier: Verifier,
    tmp_path: Path,
) -> None:
    told: Told = marked_site.issue(BySearch(query=Query()), tmp_path / "all.zip")  # type: ignore[attr-defined]
    assert verifier.judge(told.path, told.vkey).sum == "holds"
    for number, change in enumerate((unmarked, unsaid, unchecked, reordered)):
        path = tmp_path / f"{number}.zip"
        assert told.forged(path, change).exit_code is ExitCode.WRONG
        assert verifier.judge(path, told.vkey).sum == "wrong", change.__name__
