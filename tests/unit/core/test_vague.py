"""Words that say too little to be a reason are told from a reason."""

import pytest

from ledger.core.vague import vague


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ok", True), ("Done.", True), ("checked and reviewed", True), ("xxx xxx xxx", True), ("", True),
        ("as requested, as discussed", True), ("Setpoint of TIC101 after calibration of the probe", False),
        ("Kalibrierung der Sonde am Dienstag", False),
    ],
)  # fmt: skip
def test_vague_text_is_told_from_a_reason(text: str, said: bool) -> None:
    assert vague(text) is said


def test_a_site_lists_words_and_phrases_of_its_own() -> None:
    asked, phrase = "wie vom Schichtleiter besprochen", "Siehe Wie besprochen"
    assert not vague(asked)
    assert vague(asked, ["Wie  vom Schichtleiter, besprochen!"]), "the whole text, whatever its signs and case"
    assert not vague(f"{asked} am Dienstag", ["wie vom Schichtleiter besprochen"]), "a phrase counts as the whole text"
    assert not vague(phrase, ["siehe", "wie"])
    assert vague(phrase, ["siehe", "wie", "besprochen"])
    assert vague("see above, besprochen", ["besprochen"]), "beside the built-in words"
    assert vague("ok", [])
