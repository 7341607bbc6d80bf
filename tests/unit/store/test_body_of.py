"""A body that a table names is read as what it has to be, or the ledger is said to contradict itself."""

from pathlib import Path

import pytest

from ledger.core.errors import IntegrityError
from ledger.sources.query_kinds import KIND, SavedQueryEntry
from ledger.store.reading import StoredEntry, body_of

EXAMPLES = Path(__file__).parents[2] / "examples"


def stored(body: bytes | None) -> StoredEntry:
    return StoredEntry(index=7, leaf=b"", salt=None, body=body)


def test_a_body_of_the_kind_that_is_named_is_read() -> None:
    found = body_of(stored((EXAMPLES / "saved-query-1.json").read_bytes()), KIND, SavedQueryEntry)
    assert found.owner == "reviewer1"


@pytest.mark.parametrize("body", [None, b"", b"{}", (EXAMPLES / "look-up-1.json").read_bytes()])
def test_another_s_body_or_none_is_a_contradiction_that_names_the_entry(body: bytes | None) -> None:
    with pytest.raises(IntegrityError, match="entry 7 is no saved-query"):
        body_of(stored(body), KIND, SavedQueryEntry)
