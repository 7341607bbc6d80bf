"""What is refused before a PostgreSQL server is reached, and what is said of one that is away."""

from typing import Any

import pytest

from collectors.it.pg_logical import PgLogical
from collectors.it.pg_wal import lsn_number, lsn_text
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError
from ledger.core.source import SourceConfig


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"url": "postgresql://collector:secret@127.0.0.1/lims"}, "holds a password"),
        ({"url": "mariadb://collector@127.0.0.1/lims"}, "no address"),
        ({"url": "postgresql://collector@127.0.0.1/lims?nonsense=1"}, "no database address"),
        ({"max_changes": "0"}, "max_changes"),
    ],
)
def test_options_of_logical_decoding_that_cannot_be_are_refused(options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        logical(**options)
    assert ":secret" not in f"{caught.value.message} {caught.value.advice}"


def test_a_server_that_is_away_is_said() -> None:
    (check,) = logical().check().checks
    assert not check.ok
    assert "127.0.0.1:1/lims" in check.says


def logical(**options: str) -> PgLogical:
    given: dict[str, Any] = {"url": "postgresql://collector@127.0.0.1:1/lims", **options}
    mapping = template("postgresql-rows").text
    config = SourceConfig(id="lims", type="pg-logical", title="LIMS", options=given, mapping=mapping)
    return PgLogical(config, {"password": "x"}, SystemClock())


def test_places_in_the_log_are_numbers_in_order() -> None:
    places = ["0/1", "0/FFFFFFFF", "1/0", "16/B374D848"]
    numbers = [lsn_number(place) for place in places]
    assert numbers == sorted(numbers)
    assert [lsn_text(number) for number in numbers] == places
