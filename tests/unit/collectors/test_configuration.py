"""A source's options and secrets: what is wrong is named, and no secret is ever shown."""

from pathlib import Path

import pytest

from collectors.base import read_cursor
from collectors.it.tryton import Cursor, Tryton
from collectors.options import read_list, read_map
from collectors.registry import COLLECTORS, collector_type, open_collector
from collectors.secrets import resolve
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.source import SourceConfig


def config(**options: str) -> SourceConfig:
    return SourceConfig(id="erp", type="tryton", title="ERP", options=options)


def test_every_source_type_says_what_its_options_mean() -> None:
    for name in COLLECTORS:
        kind = collector_type(name)
        assert kind.type == name
        assert isinstance(kind.title, str)
        assert kind.title
        meanings = [option.meaning for option in kind.options] + [secret.meaning for secret in kind.secrets]
        assert all(len(meaning) > 10 for meaning in meanings), meanings


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"user": "collector"}, "url"),
        ({"url": "http://erp.example/", "user": "collector", "colour": "red"}, "colour"),
        ({"url": "http://erp.example/", "user": "collector", "window_minutes": "soon"}, "window_minutes"),
        ({"url": "http://erp.example/", "user": "collector", "models": "party.party"}, "party.party"),
        ({"url": "http://erp.example/", "user": "collector", "equipment": "PROD"}, "equipment"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Tryton(config(**options), {"password": "x"}, SystemClock())


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(ConfigError, match="password"):
        Tryton(config(url="http://erp.example/", user="collector"), {}, SystemClock())


def test_an_unknown_source_type_names_those_that_there_are() -> None:
    with pytest.raises(ConfigError) as caught:
        collector_type("abacus")
    assert "tryton" in caught.value.advice


def test_a_secret_is_looked_up_where_the_configuration_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("from file \n", encoding="utf-8")
    monkeypatch.setenv("ERP_PASSWORD", "from environment")
    assert resolve({"a": f"file:{tmp_path / 'password'}", "b": "env:ERP_PASSWORD"}) == {
        "a": "from file ",
        "b": "from environment",
    }


@pytest.mark.parametrize("reference", ["hunter2", "env:NOT_SET_ANYWHERE", "file:/not/there", "plain:hunter2"])
def test_a_secret_that_is_not_there_is_named_and_never_shown(reference: str) -> None:
    opened = SourceConfig(
        id="erp", type="tryton", title="ERP", options={"url": "http://erp.example/", "user": "u"},
        secrets={"password": reference},
    )  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        open_collector(opened, SystemClock())
    assert "password" in caught.value.message
    assert "hunter2" not in f"{caught.value.message} {caught.value.advice}"


def test_lists_and_maps_are_read_from_one_line_or_many() -> None:
    assert read_list(" a, b\n c,,a ") == ("a", "b", "c")
    assert read_map("ns=2;s=A = R1, B/C=R2\n", "equipment") == {"ns=2;s=A": "R1", "B/C": "R2"}
    for wrong in ("A", "A=", "=B", "A=1,A=2"):
        with pytest.raises(ConfigError, match="equipment"):
            read_map(wrong, "equipment")


def test_a_cursor_of_another_collector_is_refused_instead_of_starting_anew() -> None:
    assert read_cursor(None, Cursor, "erp") is None
    with pytest.raises(FatalSource, match="erp"):
        read_cursor('{"offset":7}', Cursor, "erp")
