"""Records go when their retention is over and two people say so; what is held or not over stays, whatever the role."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.core.entry import Draft
from ledger.core.errors import IntegrityError
from ledger.sources.prepare import Preparer
from ledger.store.position import pos_of
from tests.support.keeping import MARKER, MES, NEW, Keeping
from tests.support.ledgers import batch


@pytest.fixture(params=["sqlite", "postgresql"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeping]:
    postgres, server = None, None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        postgres = request.getfixturevalue("migrated_postgres")
    made = Keeping(tmp_path / "ledger", postgres, server)
    yield made
    made.close()


def test_what_is_over_goes_and_every_proof_still_holds(keeping: Keeping) -> None:
    assert keeping.verify() == []
    done = keeping.dispose()
    assert (done.state, done.removed, done.total) == ("disposed", 4, 4)
    bodies = keeping.bodies()
    assert [index for index, body in bodies.items() if body is None] == keeping.old
    assert keeping.verify() == []


def test_no_file_of_the_database_holds_any_of_it_afterwards(keeping: Keeping) -> None:
    assert MARKER.encode() in keeping.files(), "the test looks where it stands"
    keeping.dispose()
    keeping.service.disposals.scrub(keeping.service.settings.owner_url(keeping.service.folder))
    held = keeping.files()
    assert MARKER.encode() not in held
    assert MARKER.lower().encode() not in held
    assert b"unmarked.reason5" in held, "what was not disposed of is there"


def test_a_record_that_was_disposed_of_is_known_when_its_source_gives_it_again(keeping: Keeping) -> None:
    keeping.dispose()
    before = len(keeping.bodies())
    again = batch(keeping.submitted, MES, cursor_from="1", cursor_to="2")
    receipt = keeping.service.ingest.submit(again, keeping.world.root)
    assert [outcome.index for outcome in receipt.outcomes] == keeping.indices
    assert len(keeping.bodies()) == before
    assert keeping.verify(1, 2) == []


def test_a_row_that_no_disposal_bears_out_swallows_no_record(keeping: Keeping) -> None:
    """Whoever writes the table says that a record was there and is gone: then its source is refused, not believed."""
    keeping.dispose()
    forged = keeping.record(77, NEW)
    with keeping.service.store.reading() as connection:
        named = connection.execute(text("SELECT pos, leaf_hash FROM disposed_entry LIMIT 1")).one()
    prepared = Preparer(MES, frozenset({"actor.name", "object.name"}), keeping.service.keys.digests()).prepare(forged)
    assert isinstance(prepared, Draft)
    assert prepared.key is not None
    values = {"pos": named.pos, "row": pos_of(1, keeping.new), "leaf": named.leaf_hash, "digest": prepared.key.digest}
    with keeping.service.store.writing() as connection:
        connection.execute(
            text("INSERT INTO disposed_entry (pos, row_pos, leaf_hash, digest) VALUES (:pos, :row, :leaf, :digest)"),
            values,
        )
    with pytest.raises(IntegrityError, match="does not say so"):
        keeping.service.ingest.submit(batch([forged], MES, cursor_from="1", cursor_to="2"), keeping.world.root)
    assert any(level == 2 and log == "system" for log, level, _ in keeping.verify(1, 2)), "and verification names it"
