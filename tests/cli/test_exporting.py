"""`trailseal search --export`: a file of all that matches, whole or not there."""

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import GOOD, Site


@pytest.mark.requirement("R03")
def test_a_file_has_all_that_matches_with_the_columns_and_the_order_asked_for(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "found.jsonl"
    file.write_text("an older one")
    answer = site("search", "--ascending", "--export", file, "--columns", "index,source", "--json")
    assert answer.code == 0, answer.err
    said = answer.json()
    assert said["file"] == str(file)
    lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    found = site("search", "--json", "--ascending", "--size", str(said["size"])).json()["found"]
    assert lines == [{"index": one["index"], "source": "erp"} for one in found]
    assert len(lines) == GOOD
    assert list(tmp_path.iterdir()) == [file]
    told = site("search", "--export", tmp_path / "found.csv")
    assert (told.code, "as of size" in told.out) == (0, True)


def test_what_is_wrong_leaves_no_file(site: Site, tmp_path: Path) -> None:
    for arguments, says in (
        (("--export", tmp_path / "found.pdf"), "format"),
        (("--export", tmp_path / "found.csv", "--columns", "nothing"), "nothing"),
        (("--export", tmp_path / "found.csv", "--before", "3"), "--before"),
        (("--export", tmp_path / "none" / "found.csv"), "found.csv"),
        (("--export", tmp_path / "found.csv", "--actor", "operator1"), "person"),
    ):
        answer = site("search", *arguments)
        assert (answer.code, says in answer.err) == (1, True), answer.err
    assert list(tmp_path.iterdir()) == []
