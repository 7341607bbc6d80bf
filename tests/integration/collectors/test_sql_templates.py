"""Mappings of tables: Trac and Roundup as they really write, other products' tables in their documented shape."""

import sqlite3
from pathlib import Path

import psycopg
import pytest

from collectors.it.sql import Sql
from collectors.mapping.templates import template
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.record import Action, LinkKind, Outcome, Record
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from ledger.core.times import Basis
from tests.support.memory_sink import MemorySink
from tests.support.postgres import PgDatabase
from tests.support.trackers import Tracker

ZONE = "Europe/Berlin"


def pull(sink: MemorySink, url: str, name: str, secrets: dict[str, str] | None = None) -> MemorySink:
    config = SourceConfig(
        id=sink.source, type="sql", title="x", options={"url": url}, zone=ZONE, mapping=template(name).text
    )
    collector = Sql(config, secrets or {}, SystemClock())
    assert all(check.ok for check in collector.check().checks if check.name != "clock")
    Runner(collector, sink, SystemClock()).pull()
    assert not sink.rejected
    return sink


def of_table(path: Path, name: str, *statements: str) -> list[Record]:
    """The records of a SQLite file in which these statements were run."""
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return pull(MemorySink("plant"), f"sqlite:///{path}", name).records


def changes(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def links(record: Record) -> set[tuple[LinkKind, str]]:
    return {(link.kind, link.id) for link in record.links}


@pytest.mark.tested(
    system=SystemClass.QUALITY_SYSTEM,
    source="Trac",
    type="sql",
    against="Trac 1.6 on SQLite",
    holds="tickets: who, when, field, old and new value, comments and their edits",
)
def test_trac_says_who_changed_what_from_what_to_what(tmp_path: Path) -> None:
    trac, sink = Tracker("trac", tmp_path / "trac"), MemorySink("qms")
    trac.work(
        {"set": {"summary": "Filter torn", "reporter": "operator1", "priority": "major"}},
        {"ticket": 1, "who": "qa1", "set": {"priority": "critical", "owner": "qa2"}, "comment": "looks bad"},
    )
    url = f"sqlite:///{trac.database}"
    pull(sink, url, "trac-ticket-change")
    found = {change.attribute: record for record in sink.records for change in record.changes}
    created = next(record for record in sink.records if record.action is Action.CREATE)
    assert (created.actor.account, created.object.id, links(created)) == (
        "operator1",
        "1",
        {(LinkKind.CHANGE_REQUEST, "1")},
    )
    priority = found["priority"]
    assert (priority.actor.account, changes(priority)) == ("qa1", {"priority": ("major", "critical")})
    assert priority.occurred_at.instant_us == int(priority.occurred_at.text)
    assert changes(found["comment"])["comment"][1] == "looks bad"
    before = len(sink.records)
    trac.work(
        {"ticket": 1, "who": "qa2", "edit": 1, "comment": "looks very bad"},
        {"ticket": 1, "who": "qa2", "set": {"summary": "a\x00'\U0001f9ea"}},
    )
    pull(sink, url, "trac-ticket-change")
    pull(sink, url, "trac-ticket-change")
    new = sink.records[before:]
    assert {(record.actor.account, *changes(record)) for record in new} == {
        ("qa2", "comment"),
        ("qa2", "summary"),
        ("qa1", "comment"),
    }, "the edit as such, and the comment's own row, which now says something else"
    values = {value for record in new for pair in changes(record).values() for value in pair}
    assert values >= {"looks bad", "looks very bad", "a\ufffd'\U0001f9ea"}


@pytest.mark.tested(
    system=SystemClass.QUALITY_SYSTEM,
    source="Roundup",
    type="sql",
    against="Roundup 2.6 on SQLite",
    holds="issues and users: who, when, old values as one text, no new ones",
)
def test_roundup_says_who_changed_what_and_what_it_was_before(tmp_path: Path) -> None:
    roundup, sink = Tracker("roundup", tmp_path / "roundup"), MemorySink("qms")
    roundup.work(
        {"who": "admin", "class": "user", "do": "create", "set": {"username": "qa1", "roles": "User"}},
        {"who": "qa1", "class": "issue", "do": "create", "set": {"title": "Filter's torn"}},
        {"who": "qa1", "class": "issue", "do": "set", "id": "1", "set": {"title": "Filter replaced"}},
        {"who": "admin", "class": "issue", "do": "retire", "id": "1"},
        {"who": "admin", "class": "user", "do": "set", "id": "3", "set": {"roles": "Admin"}},
    )
    pull(sink, f"sqlite:///{roundup.database}", "roundup-journal")
    issue = [record for record in sink.records if record.object.type == "issue"]
    assert [(record.action, record.actor.account) for record in issue] == [
        (Action.CREATE, "qa1"),
        (Action.UPDATE, "qa1"),
        (Action.DELETE, "admin"),
    ]
    assert "Filter's torn" in str(changes(issue[1])["values"][0])
    assert issue[1].occurred_at.basis is Basis.ASSUMED
    assert issue[1].occurred_at.zone == "UTC"
    granted = next(
        record
        for record in sink.records
        if record.object.type == "user" and record.changes and "roles" in str(record.changes[0].old)
    )
    assert (granted.actor.account, granted.object.id) == ("admin", "3")
    roundup.work({"who": "admin", "class": "issue", "do": "create", "set": {"title": "later"}})
    pull(sink, f"sqlite:///{roundup.database}", "roundup-journal")
    assert len([record for record in sink.records if record.object.type == "issue"]) == 4
    assert (sink.duplicates, sink.changed, sink.gaps) == (0, [], [])


@pytest.mark.tested(
    system=SystemClass.LIMS,
    source="audit trigger with whole rows as JSON",
    type="sql",
    against="PostgreSQL 15 with such a trigger",
    holds="who, when, old and new value of each column",
)
def test_a_trigger_s_rows_of_json_become_a_change_for_each_column(postgres: PgDatabase) -> None:
    url = postgres.owner_url
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as lims:
        lims.execute("""CREATE TABLE sample (id int PRIMARY KEY, assay numeric, note text)""")
        lims.execute("""CREATE TABLE audit_row (id bigserial PRIMARY KEY, changed_at timestamptz DEFAULT now(),
            changed_by text DEFAULT session_user, action text, table_name text, record_id text,
            old_row jsonb, new_row jsonb)""")
        lims.execute("""CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO audit_row (action, table_name, old_row, new_row) VALUES (TG_OP, TG_TABLE_NAME,
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
            RETURN NULL; END $$""")
        lims.execute(
            "CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON sample FOR EACH ROW EXECUTE FUNCTION audit()"
        )
        lims.execute("INSERT INTO sample VALUES (7, 98.10, NULL)")
        lims.execute("UPDATE sample SET assay = 99.40, note = 'typing error'")
        lims.execute("DELETE FROM sample")
    address, _, password = url.partition("@")[0].rpartition(":")
    bare = f"{address}@{url.partition('@')[2]}"
    created, updated, deleted = pull(MemorySink("lims"), bare, "audit-row-json", {"password": password}).records
    assert (created.action, created.object.type, created.object.id) == (Action.CREATE, "sample", "7")
    assert changes(updated) == {"assay": ("98.10", "99.40"), "note": (None, "typing error")}
    assert updated.actor.account == "trailseal_owner"
    assert (deleted.action, changes(deleted)["assay"][0]) == (Action.DELETE, "99.40")


@pytest.mark.tested(
    system=SystemClass.SCADA,
    source="Ignition (AUDIT_EVENTS)",
    type="sql",
    against="a table of its documented shape, not the product",
    holds="who, from where, action, target, new value, outcome; no old value",
)
def test_ignition_says_who_wrote_which_tag_and_whether_it_took(tmp_path: Path) -> None:
    wrote, login, failed = of_table(
        tmp_path / "ignition.db",
        "ignition-audit-events",
        """CREATE TABLE AUDIT_EVENTS (AUDIT_EVENTS_ID INTEGER PRIMARY KEY, EVENT_TIMESTAMP DATETIME, ACTOR TEXT,
            ACTOR_HOST TEXT, ACTION TEXT, ACTION_TARGET TEXT, ACTION_VALUE TEXT, STATUS_CODE INTEGER,
            ORIGINATING_SYSTEM TEXT, ORIGINATING_CONTEXT INTEGER)""",
        """INSERT INTO AUDIT_EVENTS VALUES
            (1, '2026-03-01 08:15:00.123', 'operator1', 'HMI-3', 'tag write', '[default]TIC101/SP', '61.50', 192,
                'sys:plant:/project:line1', 4),
            (2, '2026-03-01 08:16:00.000', 'operator2', 'HMI-4', 'login', NULL, NULL, 192, 'sys:plant', 1),
            (3, '2026-03-01 08:17:00.000', 'operator2', 'HMI-4', 'tag write', '[default]TIC101/SP', '9', 0, NULL, 2)""",
    )
    assert (wrote.action, wrote.actor.account, wrote.actor.workstation, wrote.actor.channel) == (
        Action.UPDATE,
        "operator1",
        "HMI-3",
        "client",
    )
    assert (wrote.object.id, changes(wrote)["tag write"][1], wrote.outcome) == (
        "[default]TIC101/SP",
        "61.50",
        Outcome.SUCCESS,
    )
    assert (wrote.occurred_at.zone, wrote.occurred_at.basis) == (ZONE, Basis.ASSUMED)
    assert (login.action, failed.outcome) == (Action.LOGIN, Outcome.FAILURE)


@pytest.mark.tested(
    system=SystemClass.CHROMATOGRAPHY,
    source="chromatography audit trail",
    type="sql",
    against="a table of its documented shape, not the product",
    holds="who, when, object, old and new value, reason, sample, batch, instrument",
)
def test_a_chromatography_system_says_who_integrated_again_and_why(tmp_path: Path) -> None:
    integrated, refused = of_table(
        tmp_path / "cds.db",
        "chromatography-audit",
        """CREATE TABLE cds_audit_trail (audit_id INTEGER PRIMARY KEY, event_time TEXT, event TEXT, user_name TEXT,
            user_full_name TEXT, user_type TEXT, client TEXT, object_type TEXT, object_id TEXT, object_name TEXT,
            field TEXT, old_value TEXT, new_value TEXT, reason TEXT, sample_id TEXT, batch_no TEXT, instrument TEXT)""",
        """INSERT INTO cds_audit_trail VALUES
            (1, '2026-03-01T08:15:00+01:00', 'manual integration', 'analyst1', 'Analyst One', 'analyst', 'LAB-7',
                'result', '4711', 'Assay 3', 'peak area', '1203.50', '1188.10', 'baseline', 'S-1', 'B-1', 'HPLC-2'),
            (2, '2026-03-01T08:16:00+01:00', 'login failed', 'analyst2', NULL, NULL, 'LAB-7', 'session', '1', NULL,
                NULL, NULL, NULL, NULL, NULL, NULL, NULL)""",
    )
    assert (integrated.action, integrated.reason, integrated.actor.name) == (Action.UPDATE, "baseline", "Analyst One")
    assert changes(integrated) == {"peak area": ("1203.50", "1188.10")}
    assert links(integrated) == {(LinkKind.SAMPLE, "S-1"), (LinkKind.BATCH, "B-1"), (LinkKind.EQUIPMENT, "HPLC-2")}
    assert (refused.action, refused.outcome, refused.changes) == (Action.LOGIN_FAILED, Outcome.DENIED, ())


@pytest.mark.tested(
    system=SystemClass.TRAINING,
    source="training records",
    type="sql",
    against="a table of its documented shape, not the product",
    holds="who is qualified for which document, from when to when",
)
def test_training_says_who_is_qualified_and_no_more(tmp_path: Path) -> None:
    (record,) = of_table(
        tmp_path / "training.db",
        "training-record",
        """CREATE TABLE training_record (id INTEGER PRIMARY KEY, person_no TEXT, course TEXT, course_version TEXT,
            status TEXT, valid_from TEXT, valid_to TEXT, recorded_at TEXT, recorded_by TEXT, marks TEXT)""",
        """INSERT INTO training_record VALUES
            (1, 'P-17', 'SOP-12', '3', 'passed', '2026-03-01', '2027-03-01', '2026-03-01T08:15:00', 'trainer1', '6')""",
    )
    assert (record.action, record.actor.account, record.object.id) == (Action.APPROVE, "trainer1", "P-17/SOP-12")
    assert links(record) == {(LinkKind.PERSON, "P-17"), (LinkKind.DOCUMENT, "SOP-12")}


@pytest.mark.tested(
    system=SystemClass.TRAINING,
    source="attendance",
    type="sql",
    against="a table of its documented shape, not the product",
    holds="present or absent, from when to when; never the reason",
)
def test_the_reason_of_an_absence_never_leaves_its_system(tmp_path: Path) -> None:
    path = tmp_path / "time.db"
    with sqlite3.connect(path) as connection:
        connection.execute("""CREATE TABLE attendance (id INTEGER PRIMARY KEY, person_no TEXT, valid_from TEXT,
            valid_to TEXT, kind TEXT, remark TEXT)""")
        connection.execute("""INSERT INTO attendance VALUES
            (1, 'P-17', '2026-03-01T06:00:00', '2026-03-01T14:00:00', 'present', 'late'),
            (2, 'P-18', '2026-03-01T06:00:00', '2026-03-08T06:00:00', 'sick leave', 'back')""")
    connection.close()
    sink = pull(MemorySink("time"), f"sqlite:///{path}", "absence-presence")
    assert [changes(record)["presence"][1] for record in sink.records] == ["present", "absent"]
    for submission in sink.submissions:
        assert submission.original is not None
        assert not any(word in submission.original.data for word in (b"sick", b"back", b"late", b"remark"))


@pytest.mark.tested(
    system=SystemClass.BADGE,
    source="access control",
    type="sql",
    against="a table of its documented shape, not the product",
    holds="which badge and holder, door, zone, direction, granted or refused",
)
def test_badges_say_who_passed_which_door_and_who_was_refused(tmp_path: Path) -> None:
    passed, refused, forced = of_table(
        tmp_path / "doors.db",
        "door-badges",
        """CREATE TABLE badge_event (event_id INTEGER PRIMARY KEY, event_time TEXT, event_type TEXT, badge_no TEXT,
            holder_no TEXT, door TEXT, zone TEXT, direction TEXT, photo BLOB)""",
        """INSERT INTO badge_event VALUES
            (1, '2026-03-01T06:00:00Z', 'granted', '0042', 'P-17', 'D-3', 'Filling', 'in', x'00'),
            (2, '2026-03-01T06:01:00Z', 'denied', '0043', 'P-18', 'D-3', 'Filling', NULL, NULL),
            (3, '2026-03-01T06:02:00Z', 'forced', NULL, NULL, 'D-3', 'Filling', NULL, NULL)""",
    )
    assert (passed.actor.account, passed.actor.auth, passed.object.id) == ("P-17", "0042", "D-3")
    assert changes(passed)["passage"][1] == "granted, in"
    assert links(passed) == {(LinkKind.PERSON, "P-17"), (LinkKind.LOCATION, "Filling")}
    assert (refused.outcome, forced.action, forced.actor.account) == (Outcome.DENIED, Action.ALARM, None)


@pytest.mark.parametrize("word", ["merge", "grant"])
def test_a_word_that_a_mapping_does_not_know_is_rejected_with_the_row_and_not_guessed(
    tmp_path: Path, word: str
) -> None:
    path = tmp_path / "audit.db"
    with sqlite3.connect(path) as connection:
        connection.execute("""CREATE TABLE audit_trail (id INTEGER PRIMARY KEY, changed_at TEXT, changed_by TEXT,
            action TEXT, table_name TEXT, record_id TEXT, field_name TEXT, old_value TEXT, new_value TEXT,
            reason TEXT)""")
        connection.execute(
            f"INSERT INTO audit_trail VALUES (1, '2026-03-01', 'a', '{word}', 't', 'r', 'f', '1', '2', '')"
        )
    connection.close()
    sink = MemorySink("lims")
    config = SourceConfig(
        id="lims", type="sql", title="x", options={"url": f"sqlite:///{path}"}, mapping=template("audit-table").text
    )
    for _ in range(2):
        Runner(Sql(config, {}, SystemClock()), sink, SystemClock()).pull()
    (rejected,) = sink.rejected
    assert word in rejected.reason
    assert word.encode() in rejected.data
