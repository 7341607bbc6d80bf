"""The page of the regulation map says of every clause what the map says."""

from ledger.regulation.clauses import Standing
from ledger.regulation.reading import clauses, documents
from ledger.web.render import page
from ledger.web.views.regulation import regulation_view


def test_every_clause_stands_on_the_page_with_symbol_word_and_an_address_of_its_own() -> None:
    shown = page(
        "help/regulation.html", regulation=regulation_view(), topics=(), topic="regulation", place="help", viewer="v"
    ).content
    for clause in clauses():
        assert shown.count(f'id="{clause.id}"') == 1
    for document in documents():
        assert f'href="#{document.id}"' in shown
    met = sum(one.standing is Standing.MET for one in clauses())
    assert shown.count('<span class="state sound"><span aria-hidden="true">●</span> met</span>') == met
    assert shown.count("not met yet</span>") == sum(one.standing is Standing.NOT_YET for one in clauses())


def test_a_page_that_needs_no_id_is_a_link_and_one_that_does_is_none() -> None:
    places = {place.name: place.href for one in regulation_view() for row in one.clauses for place in row.places}
    assert places["/search"] == "/search"
    assert places["verify"] in {"", "/help/verify"}
    assert places["/signatures/{index}"] == ""
    assert places["ledger/core/statement.py"] == ""
