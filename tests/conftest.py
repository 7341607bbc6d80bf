"""Fixtures that every test may use: public test vectors and a PostgreSQL server of the run's own."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog
from xdist.scheduler import LoadFileScheduling

from collectors.registry import COLLECTORS
from ledger.store.database import migrate
from tests.support import sampled, tested
from tests.support.ledgers import clock, copies, ledger, postgres_ledger, sqlite_ledger  # noqa: F401 - fixtures
from tests.support.postgres import PgDatabase, PostgresServer, temporary_postgres
from tests.support.softhsm import softhsm  # noqa: F401 - a fixture
from tests.support.tsa import stamper  # noqa: F401 - a fixture

REPOSITORY = Path(__file__).parents[1]

# `make test` must give the same verdict twice; `make soak` looks for what it misses.
hypothesis.settings.register_profile("test", deadline=None, derandomize=True, max_examples=50)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=5000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests stay to the end: they are not looked through for garbage again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Of many cases a sample is run; the process that hears of all tests keeps what was tried against what."""
    config.pluginmanager.register(sampled)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(tested.Outcomes())


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    """A command that is called within a test says for the whole process where and what is logged."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


BY_DATABASE = "tests/tamper/test_tables.py"
"""Its ledgers, one a database, share nothing, and take long to be attacked."""
SLOW = (
    "tests/browser/test_pages.py",
    "tests/integration/demo/",
    f"{BY_DATABASE} postgresql",
    BY_DATABASE,
    "tests/soak/",
    "tests/conformance/test_collectors.py backup",
    "tests/conformance/test_collectors.py tryton",
    "tests/kill/",
    "tests/integration/agent/",
    "tests/integration/collectors/",
    "tests/browser/",
    "tests/api/test_openapi.py",
    "tests/conformance/",
)
"""Where the tests are that take long, those that take longest first."""


TOGETHER = {"tests/integration/demo/test_story.py": "tests/integration/demo/test_collected.py"}
"""Files that share what another one's process has made: one telling of the demo's story."""


class ByFileAndTarget(LoadFileScheduling):  # type: ignore[misc]
    """One process runs all tests of a file, as they share its servers; of the conformance suite, all of a type."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, rest = nodeid.partition("::")
        file = TOGETHER.get(file, file)
        if file == BY_DATABASE:
            return f"{file} {'postgresql' if 'postgresql' in rest else ''}"
        named = [name for name in COLLECTORS if "conformance" in file and name in rest.partition("[")[2]]
        return f"{file} {max(named, key=len, default='')}"

    def schedule(self) -> None:
        """Begins with what takes longest, whose few tests would otherwise be waited for at the end."""
        first = self.collection is None
        super().schedule()
        if first:
            for start in reversed(SLOW):
                for scope in [one for one in self.workqueue if one.startswith(start)]:
                    self.workqueue.move_to_end(scope, last=False)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFileAndTarget:
    """How tests are spread over processes."""
    return ByFileAndTarget(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the database server, so that `-m "not postgres"` runs without one; notes what is tried."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        asked_by_value = parameters is not None and "postgresql" in parameters.params.values()
        if asked_by_value or "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
        for mark in item.iter_markers("tested"):
            tested.note(item, tested.Tested(**mark.kwargs))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with public test vectors (TRAILSEAL_SHARED, else `shared` beside the repository)."""
    folder = Path(os.environ.get("TRAILSEAL_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "vectors").is_dir():
        pytest.skip(f"no public test vectors in {folder}; set TRAILSEAL_SHARED to the folder that has them")
    return folder


@pytest.fixture(scope="session")
def vectors(shared: Path) -> Path:
    """The public test vectors themselves."""
    return shared / "vectors"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each test process, started by the first test that asks for it."""
    with temporary_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> PgDatabase:
    """A database with the schema and nothing in it, to be copied: half a second less for each ledger of a test."""
    database = postgres_server.create_database()
    migrate(database.owner_url)
    return database


@pytest.fixture
def migrated_postgres(postgres_server: PostgresServer, postgres_template: PgDatabase) -> Iterator[PgDatabase]:
    """A fresh database with the production roles and the schema, and nothing in it."""
    database = postgres_server.create_database(postgres_template)
    yield database
    postgres_server.discard(database)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PgDatabase]:
    """A fresh, empty database with the production roles."""
    database = postgres_server.create_database()
    yield database
    postgres_server.discard(database)
