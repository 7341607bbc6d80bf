"""A rule with an error: it is named, with the place, and the other rules run."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.core.errors import ConfigError, NotFound
from ledger.review import rules as folder
from ledger.review.exceptions.runs import LeftOut
from ledger.review.rules import RuleFailed, faulty, rule_named, rules
from ledger.review.rules.rule import Rule
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.ruling import change, collect, entered, look
from tests.support.trying import cases

FAILS = """
from ledger.findings.kinds import Severity
from ledger.review.rules.rule import About, Judged, Said


class Fails:
    about = About(id="D97", version=1, title="Fails", severity=Severity.MEDIUM)

    def examines(self, told, known):
        return True

    def touches(self, new, known):
        return ()

    def judge(self, anchors, known):
        for told in anchors:
            yield Judged(told.index, Said.FINDING, "found", (told.index,))
            raise KeyError(told.record.object.id)


RULE = Fails()
"""


@pytest.fixture
def more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files of rules are there besides."""
    monkeypatch.setattr(folder, "__path__", [*folder.__path__, str(tmp_path)])
    folder._loaded.cache_clear()
    importlib.invalidate_caches()
    yield tmp_path
    folder._loaded.cache_clear()
    for name in ("d97", "d98"):
        sys.modules.pop(f"{folder.__name__}.{name}", None)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("RULE = (", "'(' was never closed in line 1"),
        ("\nimport nothing_of_that_name\n", "ModuleNotFoundError in line 2"),
        ("x = 1\n", "it defines no rule D98; see d11.py"),
        ("from ledger.review.rules.d11 import RULE\n", "it defines no rule D98; see d11.py"),
    ],
    ids=["no Python", "does not load", "no rule", "another rule"],
)
def test_a_file_with_an_error_is_named_and_the_other_rules_are_there(more: Path, text: str, wrong: str) -> None:
    before = set(rules())
    folder._loaded.cache_clear()
    (more / "d98.py").write_text(text)
    assert [(one.file, one.error) for one in faulty()] == [("ledger/review/rules/d98.py", wrong)]
    assert set(rules()) == before
    with pytest.raises(ConfigError) as raised:
        rule_named("D98")
    assert raised.value.message == f"ledger/review/rules/d98.py: {wrong}"
    with pytest.raises(NotFound, match="there is no rule 'D96'"):
        rule_named("D96")


def test_a_rule_that_fails_is_left_out_with_all_that_it_found(
    sqlite_ledger: Ledger, more: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (more / "d97.py").write_text(FAILS)
    assert isinstance(rule_named("D97"), Rule)
    collect(sqlite_ledger, [change(1, "50", "51"), change(2, "58", "53")])
    ran = look(sqlite_ledger)
    assert ran.left_out == (LeftOut(rule="D97", why="rule D97 failed: KeyError in line 18"),)
    assert "TIC101" not in str(ran.left_out), "what a record says is not repeated"
    assert {one.rule for one in entered(sqlite_ledger)} == {"D11"}
    assert "D97" not in {one.rule for one in ran.rules}
    assert look(sqlite_ledger).entry is None, "it fails again, and nothing is new"
    log = sqlite_ledger.service.record_log().log
    with pytest.raises(RuleFailed, match="KeyError in line 18"):
        sqlite_ledger.service.quality.challenges.run(log, "D97", cases(), "on site", AUTHORITY)
    (more / "d97.py").write_text(FAILS.replace("raise KeyError(told.record.object.id)", "continue"))
    monkeypatch.delitem(sys.modules, "ledger.review.rules.d97")
    folder._loaded.cache_clear()
    ran = look(sqlite_ledger)
    assert (ran.left_out, {one.rule: one.opened for one in ran.rules}["D97"]) == ((), 2)
