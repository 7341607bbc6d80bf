"""Records go when their retention is over and two people say so; what is held or not over stays, whatever the role."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.keeping import MARKER, Keeping


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
