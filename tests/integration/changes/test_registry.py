"""Every kind under change control is checked before it is proposed, and is set in logs of one sort."""

from pathlib import Path

import pytest

from ledger.changes.registry import checked
from ledger.core.errors import SchemaViolation
from ledger.domains import assembly
from ledger.people.changeable import CHANGEABLE
from ledger.store.logs import SYSTEM_LOG

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS, _ = assembly("sqlite")


@pytest.mark.parametrize("kind", CHANGEABLE)
def test_a_kind_is_taken_in_logs_of_one_sort_and_refused_in_the_other(kind: str) -> None:
    data = (EXAMPLES / f"{kind}-{len(KINDS[kind].versions)}.json").read_bytes()
    body = KINDS[kind].decode(data)
    said = []
    for log in (SYSTEM_LOG, SYSTEM_LOG + 1):
        try:
            said.append(type(checked(log, body)) is type(body))
        except SchemaViolation as error:
            said.append("is set in" not in error.message)
    assert sorted(said) == [False, True]
