"""Where a copy of a ledger is: told and entered without a password."""

import pytest

from ledger.integrity.incidents.comparing import shown


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("postgresql://reader:secret1@replica/ledger", "postgresql://reader:***@replica/ledger"),
        ("postgresql://reader@replica/ledger?password=secret1", "postgresql://reader@replica/ledger"),
        ("postgresql://reader:secret1@replica:no/ledger", "postgresql://…"),
        ("https://tiles.example/records", "https://tiles.example/records"),
        ("/backups/monday", "/backups/monday"),
    ],
)
def test_a_place_is_told_without_a_password(place: str, told: str) -> None:
    assert shown(place) == told
