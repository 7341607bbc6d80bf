"""The mappings of products that write logs, on what the products themselves wrote."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psycopg
import pytest

from collectors.demo.process import ServerProcess, free_port
from collectors.infra.tail import Tail
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Action, Outcome, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink
from tests.support.postgres import PostgresServer, temporary_postgres

DATA = Path(__file__).parent / "data"


def collect(mapping: str, path: str, zone: str = "UTC") -> list[Record]:
    """The records of a log by a template; nothing of it may be rejected."""
    config = SourceConfig(
        id="log", type="tail", title="Log", options={"path": path}, zone=zone, mapping=template(mapping).text
    )
    source, sink = Tail(config, {}, SystemClock()), MemorySink("log")
    report = source.check()
    assert all(check.ok for check in report.checks if check.name != "clock"), report
    Runner(source, sink, SystemClock(), patience=Patience(attempts=1, first=0, longest=0)).pull()
    assert not sink.rejected, sink.rejected[0]
    assert len({record.source_record_id for record in sink.records}) == len(sink.records)
    return sink.records


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


@pytest.fixture(scope="module")
def audited() -> Iterator[PostgresServer]:
    """A server that audits as the template says."""
    assert list(Path("/usr/lib/postgresql/15/lib").glob("pgaudit.so")), (
        "pgaudit is not installed (Debian: apt-get install postgresql-15-pgaudit)"
    )
    with temporary_postgres() as server:
        _alter(server, "shared_preload_libraries = 'pgaudit'", "logging_collector = on", "log_destination = 'jsonlog'")
        _alter(server, "log_connections = on", "log_disconnections = on", "log_timezone = 'UTC'")
        server.stop()
        server.start()
        _alter(server, "pgaudit.log = 'write, ddl, role'", "pgaudit.log_parameter = on")
        with psycopg.connect(server.admin_dsn(), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pgaudit")
            connection.execute("SELECT pg_reload_conf()")
        yield server


def _alter(server: PostgresServer, *settings: str) -> None:
    with psycopg.connect(server.admin_dsn(), autocommit=True) as connection:
        for setting in settings:
            connection.execute(f"ALTER SYSTEM SET {setting}")


@pytest.mark.tested(
    system="servers-and-network",
    source="PostgreSQL (pgaudit)",
    type="tail",
    against="PostgreSQL 15 with pgaudit 1.7, its JSON log",
    holds="statements with parameters, roles and rights, sessions, refused sign-ins, settings",
)
def test_what_pgaudit_writes_becomes_records(audited: PostgresServer) -> None:
    hostile = "a\"b,c\nd'--"
    with psycopg.connect(audited.admin_dsn(), autocommit=True, application_name="lims") as connection:
        connection.execute("CREATE TABLE result (id int PRIMARY KEY, value text)")
        connection.execute("INSERT INTO result VALUES (%s, %s)", (1, hostile))
        connection.execute("UPDATE result SET value = %s", ("99.4",))
        connection.execute("DELETE FROM result")
        connection.execute("CREATE ROLE analyst1 LOGIN PASSWORD 'not-shown'")
        connection.execute("GRANT SELECT ON result TO analyst1")
        connection.execute("REVOKE SELECT ON result FROM analyst1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(audited.admin_dsn().replace("postgres:", "postgres:wrong-"))
    _alter(audited, "work_mem = '8MB'")
    with psycopg.connect(audited.admin_dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)
    records = collect("pgaudit-jsonlog", str(audited.directory / "data" / "log" / "postgresql-*.json"))
    (session,) = {record.actor.session for record in records if record.actor.channel == "lims"}
    ours = [record for record in records if record.actor.session == session]
    assert [record.action for record in ours] == [
        Action.LOGIN, Action.CONFIGURE, Action.CONFIGURE, Action.CREATE, Action.UPDATE, Action.DELETE,
        Action.CREATE, Action.GRANT, Action.REVOKE, Action.LOGOUT,
    ]  # fmt: skip
    assert {record.actor.account for record in ours} == {"postgres"}
    assert {record.actor.workstation for record in ours} == {"127.0.0.1"}
    table, insert = ours[1], ours[3]
    assert (table.object.type, table.object.id) == ("TABLE", "public.result")
    assert changes(insert)["statement"][1] == "INSERT INTO result VALUES ($1, $2)"
    assert changes(insert)["parameters"][1] == '1,"a""b,c\nd\'--"'
    assert list(changes(ours[5])) == ["statement"], "no parameters are no value"
    assert "not-shown" not in str(ours)
    (refused,) = [record for record in records if record.action is Action.LOGIN_FAILED]
    assert (refused.actor.account, refused.outcome) == ("postgres", Outcome.DENIED)
    (setting,) = [record for record in records if "work_mem" in changes(record)]
    assert (setting.action, changes(setting)["work_mem"][1]) == (Action.CONFIGURE, "8MB")
    assert [record.object.type for record in records if record.action is Action.START] == ["cluster"]


@pytest.fixture(scope="module")
def packages() -> Iterator[Path]:
    """A folder in which apt and dpkg installed, upgraded and removed a package, with their logs below `log`."""
    # The command line names the folder six times, and is cut where it is long: the path has to be short.
    with tempfile.TemporaryDirectory(prefix="apt") as folder:
        yield _packages(Path(folder))


def _packages(folder: Path) -> Path:
    root = folder / "root"
    for name in ("dpkg/updates", "dpkg/info", "dpkg/triggers", "apt/lists/partial"):
        (root / "var/lib" / name).mkdir(parents=True)
    for name in ("var/cache/apt/archives/partial", "etc/apt/apt.conf.d", "etc/apt/preferences.d", "log"):
        (root / name).mkdir(parents=True)
    for name in ("var/lib/dpkg/status", "var/lib/dpkg/available", "etc/apt/sources.list"):
        (root / name).touch()
    apt = (
        "apt-get", "-y", "-o", f"Dir={root}", "-o", f"Dir::State::status={root}/var/lib/dpkg/status",
        "-o", f"Dir::Log={root}/log", "-o", f"DPkg::Options::=--root={root}",
        "-o", f"DPkg::Options::=--log={root}/log/dpkg.log", "-o", "DPkg::Options::=--force-not-root,bad-path",
        "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root",
    )  # fmt: skip
    for version in ("1.0-1", "1.1-1"):
        _run(*apt, "install", str(_package(folder, version)))
    _run(*apt, "purge", "scale-driver")
    return root


def _package(folder: Path, version: str) -> Path:
    tree = folder / version
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        f"Package: scale-driver\nVersion: {version}\nArchitecture: all\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: for a test\n"
    )
    _run("dpkg-deb", "-Zgzip", "--root-owner-group", "--build", str(tree), f"{tree}.deb")
    return Path(f"{tree}.deb")


def _run(*command: str) -> None:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, check=True, capture_output=True, env=environment)


@pytest.mark.tested(
    system="patching",
    source="Debian, Ubuntu (dpkg)",
    type="tail",
    against="dpkg of Debian 12",
    holds="packages with their versions before and after",
)
def test_what_dpkg_writes_becomes_records(packages: Path) -> None:
    records = collect("dpkg-log", str(packages / "log/dpkg.log"), "Europe/Berlin")
    assert {(record.action, record.object.id) for record in records} == {(Action.PATCH, "scale-driver:all")}
    assert [(changes(record)["operation"][1], changes(record)["version"]) for record in records] == [
        ("install", (None, "1.0-1")),
        ("upgrade", ("1.0-1", "1.1-1")),
        ("remove", ("1.1-1", None)),
    ]
    assert {record.occurred_at.zone for record in records} == {"Europe/Berlin"}


@pytest.mark.tested(
    system="patching",
    source="Debian, Ubuntu (apt)",
    type="tail",
    against="apt of Debian 12",
    holds="commands with all packages that they changed, versions before and after",
)
def test_what_apt_writes_becomes_records(packages: Path) -> None:
    records = collect("apt-history", str(packages / "log/history.log"))
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout
    (name,) = {f"scale-driver:{architecture.strip()}"}
    assert [list(changes(record)) for record in records] == [[name]] * 3
    first, second, third = records
    assert changes(first)[name][1] == "1.0-1"
    assert changes(second)[name] == ("1.0-1", "1.1-1")
    assert changes(third)[name][0] == "1.1-1"
    assert "install" in (first.object.name or "")  # type: ignore[operator]
    assert first.source_recorded_at is not None
    assert first.source_recorded_at.instant_us is not None


@pytest.mark.tested(
    system="historian",
    source="InfluxDB 1.x",
    type="tail",
    against="InfluxDB 1.6, its access log",
    holds="who wrote to and asked which database, from where, with what outcome",
)
def test_what_influxdb_writes_becomes_records(tmp_path: Path) -> None:
    program = shutil.which("influxd")
    assert program, "influxd is not installed (Debian: apt-get install influxdb)"
    port, log = free_port(), tmp_path / "access.log"
    conf = tmp_path / "influxdb.conf"
    conf.write_text(
        f'reporting-disabled = true\nbind-address = "127.0.0.1:{free_port()}"\n[meta]\ndir = "{tmp_path}/meta"\n'
        f'[data]\ndir = "{tmp_path}/data"\nwal-dir = "{tmp_path}/wal"\n'
        f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = true\naccess-log-path = "{log}"\n'
    )
    server = ServerProcess("influxd", (program, "-config", str(conf)), tmp_path / "influxd.log", {})
    try:
        server.wait_ready(lambda: _asked(port, "/ping"), 30)
        assert _asked(port, "/query?q=CREATE+DATABASE+hist", b"")
        assert _asked(port, "/write?db=hist", b"tic101 value=1")
        assert _asked(port, "/query?db=hist&q=SELECT+*+FROM+tic101")
        assert not _asked(port, "/query?db=hist&q=SELEKT")
    finally:
        server.stop()
    records = [record for record in collect("influxdb-access", str(log)) if "/ping" not in str(changes(record))]
    assert [(record.action, record.object.id, record.outcome) for record in records] == [
        (Action.EXECUTE, "server", Outcome.SUCCESS),
        (Action.CREATE, "hist", Outcome.SUCCESS),
        (Action.READ, "hist", Outcome.SUCCESS),
        (Action.READ, "hist", Outcome.FAILURE),
    ]
    assert {(record.actor.workstation, record.actor.account) for record in records} == {("127.0.0.1", None)}
    assert all(record.occurred_at.instant_us for record in records)


def _asked(port: int, path: str, body: bytes | None = None) -> bool:
    with suppress(httpx.HTTPError):
        method = "GET" if body is None else "POST"
        return httpx.request(method, f"http://127.0.0.1:{port}{path}", content=body).is_success
    return False


def test_what_node_red_writes_becomes_records() -> None:
    """What Node-RED 4 wrote while a user signed in, failed to, deployed, added a flow and signed out."""
    records = collect("node-red-audit", str(DATA / "node-red-audit.jsonl"))
    assert [(record.action, record.object.id, record.outcome) for record in records] == [
        (Action.LOGIN, "node-red-admin", Outcome.SUCCESS),
        (Action.LOGIN_FAILED, "node-red-admin", Outcome.DENIED),
        (Action.UPDATE, "/flows", Outcome.SUCCESS),
        (Action.CREATE, "ba785defac2b8a47", Outcome.SUCCESS),
        (Action.LOGOUT, "/auth/revoke", Outcome.SUCCESS),
    ]
    assert {record.actor.account for record in records} == {"op1"}
    assert changes(records[2])["deployment"][1] == "full"
    assert all(record.occurred_at.instant_us for record in records)
