"""A map that is wrong is told with file, line and clause."""

from pathlib import Path

import pytest

from ledger.core.errors import ConfigError, NotFound
from ledger.regulation.clauses import Sort, Standing
from ledger.regulation.reading import clauses_of, read_document

HEAD = '[document]\ntitle = "A rule"\nstatus = "In force."\n\n'
GOOD = """[clause.R01]
clause = "1(a)"
sort = "S+P"
text = "It holds."
standing = "met"
answer = "It does."
where = ["module:ledger/core"]
tests = ["tests/unit/test_x.py::test_it"]
checked = "secondary"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "a-rule.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_document_is_read_with_its_clauses(tmp_path: Path) -> None:
    read = read_document(written(tmp_path, HEAD + GOOD))
    assert (read.id, read.title, len(read.clauses)) == ("a-rule", "A rule", 1)
    only = read.clauses[0]
    assert (only.id, only.document, only.rows, only.sort) == ("R01", "a-rule", ("R01",), Sort.BOTH)
    assert only.standing is Standing.MET


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('sort = "S+P"', 'sort = "Q"', "Invalid enum value 'Q'"),
        ('text = "It holds."\n', "", "missing required field `text`"),
        ('answer = "It does."', 'answer = "It does."\nmet = true', "unknown field `met`"),
        ('"module:ledger/core"', '"somewhere"', "matching regex"),
        ("tests/unit/test_x.py::test_it", "tests/unit/test_x.py", "matching regex"),
        ('where = ["module:ledger/core"]\n', "", "names no place"),
        ('standing = "met"', 'standing = "not-met-yet"', "names no place"),
        ('tests = ["tests/unit/test_x.py::test_it"]\n', "", "names a test that shows it"),
        ('checked = "secondary"', 'checked = "read"', "where and when a text was read"),
        (
            'checked = "secondary"',
            'checked = "secondary"\nsource = "https://a.example"',
            "where and when a text was read",
        ),
    ],
)
def test_what_is_wrong_in_a_clause_is_told_with_file_line_and_clause(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in GOOD
    second = GOOD.replace("R01", '"211.1(b)"').replace('clause = "1(a)"', 'clause = "1(b)"\nrows = ["R01"]')
    text = HEAD + GOOD + "\n" + second.replace(before, after)
    with pytest.raises(ConfigError) as refused:
        read_document(written(tmp_path, text))
    line = text.splitlines().index('[clause."211.1(b)"]') + 1
    assert refused.value.message.startswith(f"a-rule.toml, line {line}, clause 211.1(b): ")
    assert said in refused.value.message


def test_a_file_that_is_no_toml_is_told_with_line_and_clause(tmp_path: Path) -> None:
    text = HEAD + GOOD.replace('text = "It holds."', 'text = "It holds.')
    with pytest.raises(ConfigError) as refused:
        read_document(written(tmp_path, text))
    assert "a-rule.toml: " in refused.value.message
    line = text.splitlines().index('text = "It holds.') + 1
    assert f"line {line}" in refused.value.message
    assert refused.value.message.endswith(", clause R01")


def test_a_file_without_its_document_or_with_something_else_is_refused(tmp_path: Path) -> None:
    for text in (GOOD, HEAD + GOOD + "\n[other]\nname = 1\n", 'clause = "R01"\n' + HEAD):
        with pytest.raises(ConfigError, match="tables alone"):
            read_document(written(tmp_path, text))
    with pytest.raises(ConfigError, match="document"):
        read_document(written(tmp_path, '[document]\ntitle = "A rule"\n' + GOOD))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path / "none.toml")


def test_a_clause_is_found_by_its_id_or_by_its_number_in_either_case() -> None:
    assert [one.id for one in clauses_of("r51")] == ["R51"]
    assert [one.id for one in clauses_of("11.10(E)")] == ["R06", "R07", "R08"]
    assert [one.id for one in clauses_of(" 211.192 ")] == ["211.192"]
    with pytest.raises(NotFound, match=r"no clause 'R99'"):
        clauses_of("R99")
