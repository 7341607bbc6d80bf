"""`trailseal alcoa show`: one record by all checks, in words and as JSON."""

import pytest

from tests.cli.conftest import Site, filled


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("alcoa"))


@pytest.mark.requirement("C09")
def test_a_record_is_shown_by_all_checks_and_a_failure_ends_with_code_1(site: Site) -> None:
    index = site("search", "--json").json()["found"][0]["index"]
    told = site("alcoa", "show", str(index))
    failed = _failed(site, index)
    assert (told.code, told.out.count("\n")) == (1 if failed else 0, 14)
    assert "unreachable-path" not in failed
    assert "C09  Complete         not assessable  nobody has set what such a record must have" in told.out
    profile = '{"old": false, "new": false, "reason": false, "change_request": true}'
    put = site("parameter", "put", "profile", profile, "--json").json()["entry"]
    assert site("alcoa", "show", str(index)).code == 1
    assert _failed(site, index) == failed | {"unreachable-path"}
    assert site("alcoa", "show", str(index), "--size", str(put)).out.splitlines()[1:] == told.out.splitlines()[1:]


def _failed(site: Site, index: int) -> set[str]:
    checks = site("alcoa", "show", str(index), "--json").json()["checks"]
    return {one["code"] for one in checks if one["result"] == "fail"}


def test_what_is_no_record_is_refused(site: Site) -> None:
    refused = site("alcoa", "show", "0")
    assert refused.code != 0
    assert "only records" in refused.err
