"""The catalogue: every key that is used exists, and every key that exists is used."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from string import Formatter

import pytest

from ledger.core.kinds import KIND_NAMES
from ledger.core.record import Action, ActorKind, LinkBasis, LinkKind, Outcome
from ledger.core.times import Basis
from ledger.integrity.kinds import Verdict
from ledger.present import english
from ledger.present.english import CATALOGUE, pages, people, privacy, sentences, words
from ledger.present.german import CATALOGUE as GERMAN
from ledger.present.messages import Language, message, number, parts, speaking, spoken
from ledger.present.states import State
from ledger.privacy.look_up_kinds import Purpose

ROOT = Path(__file__).parents[3]
FAMILIES = {
    "kind": KIND_NAMES,
    "action": {member.value for member in Action},
    "outcome": {member.value for member in Outcome},
    "link": {member.value for member in LinkKind},
    "basis": {member.value for member in LinkBasis},
    "actor": {member.value for member in ActorKind},
    "zone": {member.value for member in Basis},
    "verdict": {member.value for member in Verdict},
    "state": {member.value for member in State},
    "purpose": {member.value for member in Purpose},
}
_KEY = re.compile(r"[\"']([a-z-]+(?:[.][a-z0-9_-]+)+)[\"']")
_FAMILY = re.compile(r"[\"']([a-z]+(?:[.][a-z-]+)*)[.][\"'] ~|f\"([a-z]+(?:[.][a-z-]+)*)[.]\{")


def _texts() -> list[str]:
    code = [path for package in ("ledger", "reports", "collectors") for path in (ROOT / package).rglob("*.py")]
    files = [*code, *(ROOT / "ledger" / "web" / "templates").rglob("*.html")]
    return [path.read_text() for path in files if path.parent.name not in ("english", "german")]


def _used() -> set[str]:
    return {key for text in _texts() for key in _KEY.findall(text)}


def _families() -> set[str]:
    return {name for text in _texts() for pair in _FAMILY.findall(text) for name in pair if name}


def test_every_key_that_the_pages_and_sentences_name_is_in_the_catalogue() -> None:
    named = re.compile(r"(?:\bt|message|_compose|Check|TimeRow|FacetGroup)\((?:key=)?[\"']([a-z0-9._-]+)[\"']\s*[,)]")
    missing = {key for text in _texts() for key in named.findall(text)} - CATALOGUE.keys()
    assert not missing


def test_no_key_of_the_catalogue_is_without_use() -> None:
    used, families = _used(), _families()
    unused = {key for key in CATALOGUE if key not in used and not any(key.startswith(f"{name}.") for name in families)}
    assert not unused


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_has_a_word_for_each_of_its_members_and_no_other(family: str) -> None:
    here = {
        key.partition(".")[2]
        for key in (words.MESSAGES | pages.MESSAGES | people.MESSAGES | privacy.MESSAGES)
        if key.startswith(f"{family}.")
    }
    assert here == FAMILIES[family]


def test_every_action_has_a_sentence() -> None:
    assert {f"said.{action.value}" for action in Action} <= sentences.MESSAGES.keys()


def test_no_key_stands_in_two_parts_of_the_catalogue() -> None:
    modules = [import_module(f"{english.__name__}.{found.name}") for found in iter_modules(english.__path__)]
    assert len(CATALOGUE) == sum(len(module.MESSAGES) for module in modules)


def test_a_key_that_does_not_exist_cannot_reach_a_user() -> None:
    with pytest.raises(KeyError):
        message("no.such.key")


def test_what_is_said_in_german_is_said_in_english_of_the_same_things() -> None:
    assert GERMAN.keys() <= CATALOGUE.keys()
    for key, text in GERMAN.items():
        assert _places(text) == _places(CATALOGUE[key]), key


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_another_language_is_spoken_only_within_and_what_it_lacks_is_english() -> None:
    with speaking(Language.GERMAN):
        assert (message("report.records"), spoken()) == ("Aufzeichnungen", Language.GERMAN)
        assert parts("said.create") == (("", "actor"), (" legte ", "object"), (" an", None))
        assert "export.wrote" not in GERMAN
        assert message("export.wrote", file="f", size=1, root="r") == "Written to f, as of size 1, root r."
        with pytest.raises(KeyError):
            message("no.such.key")
    assert (message("report.records"), spoken()) == ("Records", Language.ENGLISH)
    assert parts("said.create") == (("", "actor"), (" created ", "object"))


def test_large_numbers_are_grouped_and_years_are_not() -> None:
    assert number(48211) == "48\u202f211"
    assert number(2026) == "2026"
    assert message("home.entry", index=1234567) == "Entry 1\u202f234\u202f567"
