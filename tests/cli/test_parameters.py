"""`trailseal parameter`: set, listed, and shown for a record's source, type and moment."""

from pathlib import Path

import pytest

from tests.cli.conftest import Site, filled


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return filled(tmp_path_factory.mktemp("parameters"))


@pytest.mark.requirement("R14")
def test_a_parameter_is_set_shown_and_taken_back(site: Site, tmp_path: Path) -> None:
    assert "No parameter" in site("parameter", "list").out
    assert "cannot be assessed" in site("parameter", "show", "limits").out
    assert site("parameter", "show", "limits").code == 1
    general = site("parameter", "put", "limits", '{"late_s": 60}', "--reason", "CR-0042", "--json").json()["entry"]
    file = tmp_path / "limits.json"
    file.write_text('{"late_s": 600}')
    own = ("--source", "lims", "--type", "result", "--from", "2026-01-01T01:00:00+01:00")
    special = site("parameter", "put", "limits", f"@{file}", *own, "--json").json()["entry"]
    asked = ("parameter", "show", "limits", "--source", "lims", "--type", "result", "--json", "--at")
    before, after = site(*asked, "2025-12-31T23:59:59Z").json(), site(*asked, "2026-01-01T00:00:00Z").json()
    assert (before["value"]["late_s"], before["entry"]) == (60, general)
    assert (after["value"]["late_s"], after["entry"]) == (600, special)
    assert site("parameter", "put", "limits", "-", *own).code == 0
    assert site(*asked, "2026-01-01T00:00:00Z").json()["entry"] == general
    assert site(*asked, "2026-01-01T00:00:00Z", "--size", str(special + 1)).json()["entry"] == special
    assert [one["value"] for one in site("parameter", "list", "--source", "lims", "--json").json()] == [None]
    told = site("parameter", "list").out
    assert "lims, result, from 2026-01-01T00:00:00.000000Z: none" in told
    assert "late_s" in site("parameter", "show", "limits").out
    assert "CR-0042" in site("show", str(general)).out
    assert site("verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("limits", '{"late_s": "soon"}'), "late_s"),
        (("limits", "{"), "limits"),
        (("limits", "@/nowhere/limits.json"), "cannot be read"),
        (("colour", "{}"), "colour"),
        (("limits", '{"late_s": 1}', "--from", "soon"), "--from"),
    ],
)
def test_what_is_wrong_is_named(site: Site, arguments: tuple[str, ...], said: str) -> None:
    answer = site("parameter", "put", *arguments)
    assert (answer.code, said in answer.err) == (1, True), answer.err
