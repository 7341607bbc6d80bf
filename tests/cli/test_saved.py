"""`trailseal saved`: a search that is saved at the terminal, made again, listed and removed."""

import pytest

from tests.cli.conftest import GOOD, Site


@pytest.mark.requirement("R03")
def test_a_search_is_saved_made_again_listed_and_removed(site: Site) -> None:
    assert site("saved", "list").out.startswith("No search is saved yet")
    first = site("search", "--source", "erp", "--save", "of the ERP", "--shared", "--json").json()
    assert len(first["found"]) == GOOD
    again = site("search", "--saved", "of the ERP", "--json").json()
    assert again["found"] == first["found"]
    (listed,) = site("saved", "list", "--json").json()
    assert (listed["name"], listed["shared"], listed["query"]) == ("of the ERP", True, {"source": "erp"})
    assert "of the ERP (shared)" in site("saved", "list").out
    assert site("saved", "remove", listed["id"]).code == 0
    refused = site("search", "--saved", "of the ERP")
    assert (refused.code, "no saved search" in refused.err) == (1, True)
    both = site("search", "--saved", "of the ERP", "--action", "update")
    assert (both.code, "--saved" in both.err) == (1, True)
