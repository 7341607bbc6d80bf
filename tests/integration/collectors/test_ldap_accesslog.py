"""OpenLDAP's access log from a real slapd: values before and after, secrets that are never kept, limits, a cut log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ldap3
import pytest

from collectors.infra.ldap_accesslog import LdapAccesslog
from collectors.infra.ldap_accesslog_entry import entry_item, read_entry, write_entry
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.record import Action, Outcome, Record
from ledger.core.source import SourceConfig
from tests.support.memory_sink import MemorySink
from tests.support.slapd import ADMIN, BASE, READER, Slapd

QUICK = Patience(attempts=1, first=0, longest=0)
REPLACE, ADD, DELETE = ldap3.MODIFY_REPLACE, ldap3.MODIFY_ADD, ldap3.MODIFY_DELETE


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Slapd]:
    made = Slapd(tmp_path)
    made.start()
    yield made
    made.stop()


def source(server: Slapd, **options: str) -> LdapAccesslog:
    given = {"url": server.url, "user": READER} | options
    mapping = template("openldap-accesslog").text
    config = SourceConfig(id="directory", type="ldap-accesslog", title="Directory", options=given, mapping=mapping)
    return LdapAccesslog(config, {"password": server.password}, SystemClock())


def pull(server: Slapd, sink: MemorySink, **options: str) -> list[Record]:
    """What one look brings, without the collector's own sessions."""
    before = len(sink.records)
    Runner(source(server, **options), sink, SystemClock(), patience=QUICK).pull()
    assert not sink.rejected
    return [record for record in sink.records[before:] if record.actor.account != READER]


def change(server: Slapd, dn: str, **changes: list[tuple[str, list[Any]]]) -> None:
    with server.admin() as connection:
        done = connection.modify(dn, changes)  # type: ignore[no-untyped-call]
        assert done, connection.result


def said(record: Record) -> dict[str, tuple[object, object]]:
    return {change.attribute: (change.old, change.new) for change in record.changes}


def test_changes_have_old_and_new_values_whatever_way_they_were_made(server: Slapd) -> None:
    sink = MemorySink("directory")
    person = server.add_person("op1", title="operator")
    change(server, person, title=[(REPLACE, ["supervisor"])], description=[(ADD, ["a", "b"])])
    change(server, person, description=[(DELETE, ["a"]), (ADD, ["c"])])
    change(server, person, description=[(DELETE, [])], title=[(REPLACE, [])])
    with server.admin() as connection:
        connection.modify_dn(person, "cn=op2")
        connection.delete(f"cn=op2,{BASE}")  # type: ignore[no-untyped-call]
    found = [record for record in pull(server, sink) if "op" in record.object.id]
    created, first, second, third, renamed, deleted = found
    assert {record.actor.account for record in found} == {ADMIN}
    assert (created.action, said(created)["title"]) == (Action.CREATE, (None, "operator"))
    assert (first.action, said(first)) == (
        Action.UPDATE,
        {"title": ("operator", "supervisor"), "description": (None, '["a","b"]')},
    )
    assert said(second) == {"description": ('["a","b"]', '["b","c"]')}
    assert said(third) == {"description": ('["b","c"]', None), "title": ("supervisor", None)}
    assert said(renamed) == {"dn": (f"cn=op1,{BASE}", f"cn=op2,{BASE}")}
    assert deleted.action is Action.DELETE
    assert said(deleted)["sn"] == ("op1", None)


def test_sign_ins_and_refused_ones_are_told_with_the_account_that_was_named(server: Slapd) -> None:
    sink = MemorySink("directory")
    server.add_person("op1", "the right one")
    pull(server, sink)
    server.connect(f"cn=op1,{BASE}", "a wrong one")
    server.connect(f"cn=op1,{BASE}", "the right one")
    refused, taken = (record for record in pull(server, sink) if record.actor.account == f"cn=op1,{BASE}")
    assert (refused.action, refused.outcome) == (Action.LOGIN_FAILED, Outcome.DENIED)
    assert (taken.action, taken.outcome, taken.actor.auth) == (Action.LOGIN, Outcome.SUCCESS, "SIMPLE")


def test_passwords_are_never_kept(server: Slapd) -> None:
    sink = MemorySink("directory")
    person = server.add_person("op1", "Secret-one")
    change(server, person, userPassword=[(REPLACE, ["Secret-two"])])
    with server.admin() as connection:
        connection.extend.standard.modify_password(person, None, "Secret-three")
        connection.compare(person, "userPassword", "Secret-four")  # type: ignore[no-untyped-call]
        connection.delete(person)  # type: ignore[no-untyped-call]
    records = pull(server, sink)
    kept = b"".join(submission.original.data for submission in sink.submissions if submission.original)
    assert b"Secret" not in kept
    assert b"SSHA" not in kept
    assert "Secret" not in str(records)
    (changed, *_) = (record for record in records if record.action is Action.UPDATE)
    assert said(changed)["userPassword"] == ("(withheld)", "(withheld)")


def test_a_server_that_gives_few_entries_at_a_time_is_read_whole(tmp_path: Path) -> None:
    server = Slapd(tmp_path, global_settings="sizelimit 7")
    server.start()
    try:
        sink = MemorySink("directory")
        person = server.add_person("op1")
        for number in range(60):
            change(server, person, description=[(REPLACE, [f"number {number}"])])
        found = [said(record)["description"][1] for record in pull(server, sink) if record.action is Action.UPDATE]
        assert found == [f"number {number}" for number in range(60)]
        change(server, person, description=[(REPLACE, ["one more"])])
        assert [said(record)["description"][1] for record in pull(server, sink) if record.action is Action.UPDATE] == [
            "one more"
        ]
        assert sink.duplicates == 0
    finally:
        server.stop()


def test_a_log_that_was_cut_is_a_gap(server: Slapd) -> None:
    sink = MemorySink("directory")
    person = server.add_person("op1")
    pull(server, sink)
    change(server, person, title=[(REPLACE, ["lost"])])
    with server.admin() as connection:
        connection.search("cn=accesslog", "(reqStart=*)", "LEVEL", attributes=["reqStart"])
        for entry in [one["dn"] for one in connection.response or []]:
            connection.delete(entry)  # type: ignore[no-untyped-call]
    change(server, person, title=[(REPLACE, ["kept"])])
    assert [
        said(record)["title"][1] for record in pull(server, sink, window_seconds="0") if "title" in said(record)
    ] == ["kept"]
    (gap,) = sink.gaps
    assert gap.subject == "cn=accesslog"
    assert "cut" in gap.reason


def test_a_request_that_is_logged_late_is_read_and_none_twice(server: Slapd) -> None:
    """A log entry that appears with an earlier reqStart than what was read already."""
    sink = MemorySink("directory")
    person = server.add_person("op1")
    change(server, person, title=[(REPLACE, ["first"])])
    pull(server, sink)
    (last,) = [record for record in sink.records if said(record).get("title", ("", ""))[1] == "first"]
    late = f"{last.source_record_id[:-8]}.999990Z"
    attributes = {
        "reqStart": late, "reqType": "modify", "reqSession": "1", "reqDN": person, "reqMod": "title:= late",
        "reqAuthzID": ADMIN, "reqResult": "0",
    }  # fmt: skip
    with server.admin() as connection:
        added = connection.add(f"reqStart={late},cn=accesslog", "auditModify", attributes)  # type: ignore[no-untyped-call]
        assert added, connection.result
    assert [said(record)["title"][1] for record in pull(server, sink) if "title" in said(record)] == ["late"]
    assert sink.duplicates == 0


def test_the_check_says_what_the_log_lacks(tmp_path: Path) -> None:
    server = Slapd(tmp_path, old_values=False)
    server.start()
    try:
        person = server.add_person("op1", title="operator")
        change(server, person, title=[(REPLACE, ["supervisor"])], description=[(ADD, ["a"])])
        checks = {check.name: check for check in source(server).check().checks}
        assert not checks["old values"].ok
        assert checks["read log"].ok
        assert checks["transport"].ok
        (changed,) = [record for record in pull(server, MemorySink("directory")) if record.action is Action.UPDATE]
        assert [(change.attribute, change.new) for change in changed.changes] == [
            ("title", "supervisor"),
            ("description +", "a"),
        ]
        with pytest.raises(FatalSource, match="cn=nothing"):
            pull(server, MemorySink("directory"), base="cn=nothing")
    finally:
        server.stop()


@pytest.mark.parametrize("options", [{"url": "http://x"}, {"start_tls": "perhaps"}, {"window_seconds": "-1"}])
def test_options_that_cannot_be_are_refused(options: dict[str, str]) -> None:
    given = {"url": "ldap://127.0.0.1:1", "user": READER} | options
    mapping = template("openldap-accesslog").text
    with pytest.raises(ConfigError):
        LdapAccesslog(
            SourceConfig(id="d", type="ldap-accesslog", title="D", options=given, mapping=mapping),
            {"password": "x"},
            SystemClock(),
        )


def test_values_that_are_no_text_are_kept_as_they_are() -> None:
    attributes = {"reqStart": [b"20261125064708.000000Z"], "reqType": [b"modify"], "reqMod": [b"photo:= \xff\xfe"]}
    data = write_entry("reqStart=x,cn=accesslog", attributes, frozenset())
    assert json.loads(data)["attributes"]["reqMod"] == [{"base64": "cGhvdG86PSD//g=="}]
    item: dict[str, Any] = dict(entry_item(read_entry(data), frozenset()))
    assert item["changes"] == [{"attribute": "photo", "new": "\ufffd\ufffd"}]
    assert item["time"] == "2026-11-25T06:47:08Z"
