"""Challenges against real servers: planted by an account of its own, collected as ever, compared member by member."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from collectors.challenge import CONTROLLERS, PLANTERS, open_planter
from collectors.demo.opcua import OpcUaServer
from collectors.demo.process import free_port
from collectors.mapping.templates import template
from collectors.registry import collector_type
from ledger.core.errors import ConfigError, FatalSource, RetriableSource
from ledger.core.record import Action
from ledger.core.source import SourceConfig
from ledger.server import Server
from ledger.sources.challenge_kinds import Challenge, Expected, Planting, ResultState
from tests.integration.collectors.following import Following, wait_for
from tests.support.challenged import CLOCK, Site, held
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.postgres import PgDatabase, PostgresServer

AUDITED = """
CREATE TABLE sample (id text PRIMARY KEY, note text);
INSERT INTO sample VALUES ('TEST', 'as made'), ('S-1', 'real');
CREATE TABLE audit_trail (
    id bigserial PRIMARY KEY, changed_at timestamptz NOT NULL DEFAULT clock_timestamp(), changed_by text NOT NULL,
    action text NOT NULL, table_name text NOT NULL, record_id text NOT NULL, field_name text,
    old_value text, new_value text, reason text
);
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO audit_trail (changed_by, action, table_name, record_id, field_name, old_value, new_value)
    VALUES (session_user, TG_OP, TG_TABLE_NAME, NEW.id, 'note', OLD.note, NEW.note);
    RETURN NEW;
END $$;
CREATE TRIGGER audit AFTER UPDATE ON sample FOR EACH ROW EXECUTE FUNCTION audit();
"""
ROLES = """
CREATE ROLE {reader} LOGIN PASSWORD 'a-Secret-of-Tests-1';
GRANT SELECT ON audit_trail TO {reader};
CREATE ROLE {planter} LOGIN PASSWORD 'a-Secret-of-Tests-2';
GRANT CONNECT ON DATABASE {database} TO {reader}, {planter};
GRANT USAGE ON SCHEMA public TO {reader}, {planter};
GRANT SELECT, UPDATE (note) ON sample TO {planter};
"""
DROPPED = """
name = "dropped"
version = 1
title = "Results, dropped as JSON"
drivers = ["folder"]
[options]
format = "json"
names = "*.json"
[record]
id = { join = ["file.name", "entry.result"], by = "/" }
action = { text = "create" }
occurred_at = "entry.at"
object = { type = { text = "result" }, id = "file.name" }
actor.account = "entry.by"
[[record.changes]]
attribute = { text = "result" }
new = "entry.result"
"""


def test_a_test_tag_of_an_opc_ua_server_is_written_and_told_with_who_old_new_and_when(
    ledger: Ledger, tmp_path: Path, secret: Callable[[str], Path]
) -> None:
    server = OpcUaServer(tmp_path)
    options = {"url": server.endpoint, "user": "collector", "values": "REACTOR-1/PIC201/SP"}
    site = Site(
        ledger,
        SourceConfig(id="dcs", type="opcua", title="DCS", options=options),
        {"password": server.passwords["collector"]},
    )
    node = "nsu=urn:trailseal:demo:dcs;s=REACTOR-1.PIC201.SP"
    planter = {"url": server.endpoint, "user": "operator1", "node": "REACTOR-1/PIC201/SP"}
    password = secret(server.passwords["operator1"])
    server.start()
    try:
        site.challenge(
            planter, {"password": password}, "2..9",
            object_type="node", object_id=node, account="operator1", action=Action.UPDATE,
        )  # fmt: skip
        first = site.plant()
        assert first.run.old == "1.0", "read before it was written"
        site.collect()
        everything = {
            *("account", "action", "object type", "object id", "outcome", "attribute", "new", "old", "time"),
        }
        assert held(site.result()) == everything
        again = site.plant()
        assert float(again.run.old or "") == float(first.run.new)
        site.collect()
        assert held(site.result()) == everything
        forbidden = {**planter, "node": "REACTOR-1/TIC101/PV"}
        site.challenge(forbidden, {"password": password}, "2..9", object_id=node)
        refused = site.work.plant(site.name, AUTHORITY).result
        assert refused is not None
        assert (refused.state, "did not let operator1 write" in refused.detail) == (ResultState.NOT_PLANTED, True)
    finally:
        server.stop()


def test_a_test_row_is_changed_by_one_statement_and_the_audit_trigger_tells_it(
    ledger: Ledger, postgres_server: PostgresServer, postgres: PgDatabase, secret: Callable[[str], Path]
) -> None:
    admin = psycopg.connect(postgres_server.admin_dsn(), dbname=postgres.name, autocommit=True)
    place = f"127.0.0.1:{postgres_server.port}/{postgres.name}"
    reader, planter = f"reader_{postgres.name}", f"planter_{postgres.name}"
    admin.execute(AUDITED)
    admin.execute(ROLES.format(reader=reader, planter=planter, database=postgres.name).encode())
    site = Site(
        ledger,
        SourceConfig(
            id="lims",
            type="sql",
            title="LIMS",
            options={"url": f"postgresql://{reader}@{place}"},
            mapping=template("audit-table").text,
        ),
        {"password": "a-Secret-of-Tests-1"},
    )
    options = {
        "url": f"postgresql://{planter}@{place}",
        "statement": "UPDATE sample SET note = :new WHERE id = 'TEST'",
        "read": "SELECT note FROM sample WHERE id = 'TEST'",
    }
    password = secret("a-Secret-of-Tests-2")
    given: dict[str, Any] = {
        "object_type": "sample", "object_id": "TEST", "attribute": "note", "account": planter, "action": Action.UPDATE,
    }  # fmt: skip
    site.challenge(options, {"password": password}, "challenge {nonce}", **given)
    assert site.plant().run.old == "as made"
    site.collect()
    assert len(held(site.result())) == 9
    everybody = {**options, "statement": "UPDATE sample SET note = :new"}
    site.challenge(everybody, {"password": password}, "challenge {nonce}", **given)
    refused = site.work.plant(site.name, AUTHORITY).result
    assert refused is not None
    assert (refused.state, "2 rows" in refused.detail) == (ResultState.NOT_PLANTED, True)
    assert admin.execute("SELECT note FROM sample WHERE id = 'S-1'").fetchone() == ("real",)
    admin.execute("ALTER TABLE sample DISABLE TRIGGER audit")
    admin.close()
    site.challenge(options, {"password": password}, "challenge {nonce}", limit_s=1, **given)
    past = site.plant()
    site.collect()
    assert site.log.challenges.judge(past, CLOCK.now_us()) is None
    missed = site.log.challenges.judge(past, CLOCK.now_us() + 2_000_000)
    assert missed is not None
    assert missed.state is ResultState.MISSED, "the trail was off"


@pytest.mark.parametrize("way", ["tcp", "udp"])
def test_a_test_message_by_syslog_is_found_by_its_words(ledger: Ledger, tmp_path: Path, way: str) -> None:
    port = free_port()
    options = {"listen": f"{way}://127.0.0.1:{port}", "spool": str(tmp_path / "spool"), "heartbeat_seconds": "1"}
    config = SourceConfig(
        id=f"hosts-{way}", type="syslog", title="Hosts", options=options, mapping=template("syslog-messages").text
    )
    site = Site(ledger, config, {})
    site.log.challenges.put(_syslog(site, config, f"{way}://127.0.0.1:{port}"))
    made = collector_type("syslog")(config, {}, CLOCK)
    with Following(made, site.log.sink(AUTHORITY)):
        wait_for(lambda: _listens(way, port))
        past = site.plant()
        wait_for(lambda: site.work.result(past) is not None)
    result = site.work.result(past)
    assert result is not None
    assert held(result) == {"account", "object id", "outcome", "new", "time"}


def _listens(way: str, port: int) -> bool:
    kind = socket.SOCK_DGRAM if way == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as place:
        try:
            place.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _syslog(site: Site, config: SourceConfig, url: str) -> Challenge:
    options = (("app", "challenger"), ("host", "test-host"), ("url", url))
    return Challenge(
        challenge=site.name,
        source=config.id,
        planting=Planting(by="syslog", options=options, secrets=(), value="{nonce}"),
        expected=Expected(
            object_type=None, object_id="test-host", attribute=None, account="challenger", action=None, old=False,
            tolerance_us=1_000_000,
        ),
        limit_s=60,
        cron=None,
        zone="UTC",
        every_s=None,
        retired=False,
        reason="test",
        authority=AUTHORITY,
    )  # fmt: skip


def test_a_test_file_in_a_folder_is_an_object_of_its_own_each_time(ledger: Ledger, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    options = {"path": str(drop), "settle_seconds": "0.02"}
    site = Site(ledger, SourceConfig(id="drop", type="folder", title="Drop", options=options, mapping=DROPPED), {})
    planter = {
        "path": str(drop),
        "name": "test-{new}.json",
        "text": '{"at": "{now}", "by": "challenger", "result": "{new}"}',
    }
    site.challenge(
        planter, {}, "{nonce}", object_id="test-{new}.json", attribute="result", account="challenger", old=False
    )
    for _ in range(2):
        site.plant()
        site.collect()
        assert "object id" in held(site.result())
    (drop / "test-used.json").write_text("theirs", encoding="utf-8")
    with pytest.raises(FatalSource, match="is there already"):
        open_planter("folder", "x", planter, {}, CLOCK).plant(None, "used")
    assert (drop / "test-used.json").read_text(encoding="utf-8") == "theirs"


def test_a_test_file_is_changed_and_looks_tell_old_and_new_and_what_is_put_back_before_a_look_is_missed(
    ledger: Ledger, tmp_path: Path
) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "recipe.txt").write_text("real", encoding="utf-8")
    config = SourceConfig(
        id="recipes", type="snapshot-files", title="Recipes", options={"folder": str(folder), "baseline": "each"}
    )
    site = Site(ledger, config, {})
    site.collect()
    given: dict[str, Any] = {"object_type": "file", "object_id": "trailseal-challenge.txt", "attribute": "text"}
    site.challenge({"folder": str(folder)}, {}, "challenge {nonce}", **given)
    told = {"object type", "object id", "outcome", "attribute", "new", "time"}
    first = site.plant()
    site.collect()
    assert held(site.result()) == told
    second = site.plant()
    assert second.run.old == first.run.new, "read before it was changed"
    site.collect()
    assert held(site.result()) == told | {"old"}
    assert {path.name for path in folder.iterdir()} == {"recipe.txt", "trailseal-challenge.txt"}
    test_file = folder / "trailseal-challenge.txt"
    as_it_was = test_file.stat()
    third = site.plant()
    test_file.write_text(third.run.old or "", encoding="utf-8")
    os.utime(test_file, ns=(as_it_was.st_atime_ns, as_it_was.st_mtime_ns))
    site.collect()
    missed = site.log.challenges.judge(third, CLOCK.now_us() + 61_000_000)
    assert missed is not None
    assert missed.state is ResultState.MISSED, "a look sees what is there, not what was between"
    test_file.unlink()
    test_file.symlink_to(folder / "recipe.txt")
    refused = site.work.plant(site.name, AUTHORITY).result
    assert refused is not None
    assert (refused.state, "no small plain file" in refused.detail) == (ResultState.NOT_PLANTED, True)
    assert (folder / "recipe.txt").read_text(encoding="utf-8") == "real"


def test_the_value_in_a_test_file_is_read_by_the_form_of_its_text(tmp_path: Path) -> None:
    options = {"folder": str(tmp_path), "text": "<test at='{now}' was='{old}'>{new}</test>\n"}
    planter = open_planter("snapshot-files", "x", options, {}, CLOCK)
    assert planter.read() is None
    planter.plant(None, "a b")
    assert planter.read() == "a b"
    planter.plant("a b", "c")
    assert planter.read() == "c"
    real = tmp_path / "recipe.txt"
    real.write_text("real", encoding="utf-8")
    (tmp_path / ".trailseal-challenge.txt.part").symlink_to(real)
    planter.plant("c", "d")
    assert (planter.read(), real.read_text(encoding="utf-8")) == ("d", "real"), "a link leads it nowhere"
    assert open_planter("snapshot-files", "x", {**options, "text": "other {new}"}, {}, CLOCK).read() is None


def test_serve_plants_and_judges_by_itself_once_an_instant(
    tmp_path: Path, sqlite_ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.server.CHALLENGES_S", 0.2)
    drop = tmp_path / "drop"
    drop.mkdir()
    options = {"path": str(drop), "settle_seconds": "0.02"}
    config = SourceConfig(id="drop", type="folder", title="Drop", options=options, mapping=DROPPED)
    site = Site(sqlite_ledger, config, {})
    text = '{"at": "{now}", "by": "challenger", "result": "{new}"}'
    site.challenge(
        {"path": str(drop), "name": "test-{new}.json", "text": text}, {}, "{nonce}",
        object_id="test-{new}.json", attribute="result", account="challenger", old=False, every_s=2,
    )  # fmt: skip
    with Server(sqlite_ledger.service, AUTHORITY, port=0):
        wait_for(lambda: any(drop.iterdir()))
        site.collect()
        wait_for(lambda: bool([past for past in site.log.challenges.history() if past.result is not None]))
    first = site.log.challenges.history()[-1]
    assert first.result is not None
    assert held(first.result) == {"account", "object id", "outcome", "attribute", "new", "time"}
    runs = [past.run for past in site.log.challenges.history()]
    assert len(runs) == len({run.due for run in runs})
    assert {path.name for path in drop.iterdir()} <= {f"test-{run.new}.json" for run in runs}


def test_there_is_no_planter_for_controllers_and_none_is_made_of_what_is_wrong() -> None:
    assert not CONTROLLERS & {*PLANTERS}
    sql = {"url": "sqlite:////nowhere/at.all", "statement": "UPDATE t SET v = :new"}
    for name, options in (
        (
            "tryton",
            {"url": "http://127.0.0.1:1", "user": "planner1", "model": "stock.lot", "row": "x", "field": "number"},
        ),
        ("modbus", {}),
        ("sql", {"url": "sqlite:////nowhere/at.all"}),
        ("sql", {**sql, "statement": "DELETE FROM t WHERE v = :new"}),
        ("sql", {**sql, "statement": "UPDATE t SET v = :new; DROP TABLE t"}),
        ("sql", {**sql, "statement": "UPDATE t SET v = 1"}),
        ("sql", {**sql, "statement": "UPDATE t SET v = :new WHERE w = :other"}),
        ("sql", {**sql, "read": "DELETE FROM t"}),
        ("rest", {"url": "http://127.0.0.1:1", "path": "x", "body": '{"a": "{new}"'}),
        ("rest", {"url": "http://127.0.0.1:1", "path": "x", "body": '{"a": "b"}'}),
        ("rest", {"url": "http://127.0.0.1:1", "path": "x", "body": '{"a": "{new}"}', "method": "DELETE"}),
        ("mqtt", {"url": "mqtt://127.0.0.1:1", "topic": "a/#", "payload": '"{new}"'}),
        ("syslog", {"url": "http://127.0.0.1:1"}),
        ("folder", {"path": "relative", "text": "{new}"}),
        ("folder", {"path": "/", "name": "../{new}", "text": "{new}"}),
        ("snapshot-files", {"folder": "relative"}),
        ("snapshot-files", {"folder": "/", "name": "recipe.txt"}),
        ("snapshot-files", {"folder": "/", "name": "trailseal-/../recipe.txt"}),
        ("snapshot-files", {"folder": "/", "text": "without"}),
        ("sparkplug", {"url": "mqtt://127.0.0.1:1", "group": "site", "node": "line-1"}),
        ("sparkplug", {"url": "mqtt://127.0.0.1:1", "group": "site/x"}),
        ("sparkplug", {"url": "mqtt://127.0.0.1:1", "group": "site", "datatype": "Template"}),
        ("sparkplug", {"url": "http://127.0.0.1:1", "group": "site"}),
        ("opcua", {"url": "opc.tcp://127.0.0.1:1", "user": "operator1", "node": "X"}),
    ):
        with pytest.raises(ConfigError):
            open_planter(name, "x", options, {}, CLOCK)
    with pytest.raises((FatalSource, RetriableSource)):
        open_planter("sql", "x", {**sql, "read": "SELECT v FROM t"}, {}, CLOCK).read()
    assert not Path("/nowhere").exists()
