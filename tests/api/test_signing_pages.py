"""Pages of signing: what is signed is shown exactly, a signature says what it rests on, an entry names its own."""

import html
import re
from collections.abc import Iterator

import pytest

from tests.support.browsing import Pages, hidden
from tests.support.founded import founded


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    plant = founded(tmp_path_factory.mktemp("pages") / "ledger")
    made = Pages(plant)
    with made.client:
        yield made
    plant.close()


@pytest.mark.requirement("R16", "R17", "R56")
def test_a_set_is_chosen_shown_signed_and_manifest(pages: Pages) -> None:
    person = pages.plant.quality
    first, second = pages.plant.records(2)
    chosen = pages.ask(person, "GET", f"/sign?log=records&entries={first},{second}")
    assert chosen.status_code == 200, chosen.text
    assert "You sign 2 entries of log records." in chosen.text
    form = {"log": "records", "entries": f"{first},{second}", "meaning": "record/approved", "reason": "other"}
    put = pages.ask(person, "POST", "/sign", **form, added="<b>ok</b>")
    assert put.status_code == 200, put.text
    assert "I approve these records." in put.text
    assert "<b>ok</b>" not in put.text
    assert "Withstands whoever controls the running server: no" in html.unescape(put.text)
    statement = pages.plant.signing.signatures.waiting(re.search(r'action="/sign/([0-9a-f]+)"', put.text)[1])  # type: ignore[index]
    for leaf in statement.statement.target.leaves:
        assert leaf in html.unescape(put.text)
    shown = person.shown(statement)
    members = {"code": shown.code, "secret": shown.secret, "password": shown.password}
    fields = {name: value for name, value in members.items() if value}
    bound = {"log": "records", "entries": f"{first},{second}", "digest": hidden(put.text, "digest")}
    wrong = pages.ask(person, "POST", f"/sign/{statement.id}", **bound, **{**fields, "secret": "not this one at all"})
    assert wrong.status_code == 409
    assert "not accepted" in wrong.text
    fields = {**fields, "code": person.code()} if "code" in fields else fields
    done = pages.ask(person, "POST", f"/sign/{statement.id}", **bound, **fields)
    assert done.status_code == 303, done.text
    page = html.unescape(pages.ask(person, "GET", done.headers["location"]).text)
    for words in (
        "Quentin Quality",
        "quality1",
        "approver",
        "I approve these records.",
        "Europe/Berlin",
        "Fingerprint",
    ):
        assert words in page
    assert "valid: made by a key that chains to the first start" in page
    entry = html.unescape(pages.ask(person, "GET", f"/entries/records/{first}").text)
    assert "Quentin Quality (quality1), approver, signed" in entry
    other = pages.ask(person, "GET", "/entries/records/1").text
    assert "No electronic signature names this entry." in other


@pytest.mark.parametrize("entries", ["", "x", "1,,2", "1;2", "99999999999999"])
def test_entries_that_are_no_numbers_are_refused(pages: Pages, entries: str) -> None:
    assert pages.ask(pages.plant.quality, "GET", f"/sign?log=records&entries={entries}").status_code == 400


def test_who_may_not_read_signs_nothing_here(pages: Pages) -> None:
    officer = pages.plant.officer
    officer.sign_in("testclient")
    assert pages.ask(officer, "GET", "/sign?log=records&entries=1").status_code == 403
    assert pages.ask(pages.plant.quality, "GET", "/sign?log=records&entries=999999").status_code == 404
