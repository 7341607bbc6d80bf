"""D10: a change without an old value, a new value or a reason."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.core.parameters import ParameterName, Profile, VagueWords
from tests.support.ledgers import Ledger, new_ledger
from tests.support.ruling import change, collect, entered, found, look, of, put

STRICT = Profile(old=True, new=True, reason=True)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Ledger]:
    ledger = new_ledger(tmp_path / "ledger")
    yield ledger
    ledger.close()


def test_what_its_type_has_to_have_and_lacks_is_found(alone: Ledger) -> None:
    put(alone, ParameterName.PROFILE, STRICT)
    put(alone, ParameterName.VAGUE_WORDS, VagueWords(words=("as discussed",)))
    collect(
        alone,
        [
            change(1, msgspec.UNSET, "51"),
            change(2, "51", msgspec.UNSET),
            change(3, "52", "53", reason=None),
            change(4, "53", "54", reason="As discussed"),
            change(5, "54", "55", reason="drift of the probe against the reference"),
        ],
    )
    examined = of(look(alone), "D10")
    told = [(one.why, one.detail.partition(" in entry")[0]) for one in found(alone, "D10")]
    assert told == [
        ("old-missing", "TIC101.SP: update with no old value"),
        ("new-missing", "TIC101.SP: update with no new value"),
        ("reason-missing", "TIC101.SP: update with no reason"),
        ("reason-vague", "TIC101.SP: update with a reason that says nothing"),
    ]
    assert (examined.examined, examined.clear) == (5, 1)


def test_what_its_type_need_not_have_is_no_finding(alone: Ledger) -> None:
    put(alone, ParameterName.PROFILE, Profile(old=False, new=True, reason=False))
    collect(alone, [change(1, msgspec.UNSET, "51", reason=None)])
    assert (of(look(alone), "D10").clear, found(alone, "D10")) == (1, [])


def test_a_record_that_comes_late_is_examined_and_a_parameter_that_comes_late_closes_and_opens(alone: Ledger) -> None:
    put(alone, ParameterName.PROFILE, STRICT)
    collect(alone, [change(5, "54", "55")])
    look(alone)
    collect(alone, [change(1, "50", "51", reason=None)])
    assert of(look(alone), "D10").opened == 1
    put(alone, ParameterName.PROFILE, Profile(old=True, new=True, reason=False))
    assert (of(look(alone), "D10").closed, found(alone, "D10")) == (1, [])
    put(alone, ParameterName.PROFILE, STRICT)
    assert of(look(alone), "D10").opened == 1
    assert [one.event.value for one in entered(alone) if one.rule == "D10"] == ["opened", "closed", "opened"]


def test_without_a_profile_nothing_can_be_said(alone: Ledger) -> None:
    collect(alone, [change(1, "50", "51", reason=None)])
    examined = of(look(alone), "D10")
    assert [(one.input, one.records) for one in examined.lacking] == [("profile", 1)]
    assert found(alone, "D10") == []
