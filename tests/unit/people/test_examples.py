"""Bodies as they were first written: every version of them is read for ever."""

from pathlib import Path

import pytest

from ledger.core.canonical import encode_struct, require_canonical
from ledger.core.entry import Entry
from ledger.core.projector import FactsProjector
from ledger.people.kinds import KINDS
from ledger.people.projector import projectors

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))
BY_NAME = {kind.name: kind for kind in KINDS}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_stored_example_is_read_and_written_as_it_was(path: Path) -> None:
    data = path.read_bytes()
    name, _, number = path.stem.partition("-at-")[0].rpartition(".")
    body = BY_NAME[name].decode(data)
    assert type(body) is BY_NAME[name].versions[int(number) - 1]
    assert encode_struct(body) == data
    require_canonical(data)
    for projector in projectors("sqlite"):
        if name in projector.kinds:
            entry = Entry(log=0, index=7, kind=name, logged_us=0, body=body)
            rows = projector.rows(entry) if isinstance(projector, FactsProjector) else projector.changes(entry)
            assert list(rows)
