"""Redmine, a real server: what its issues and journals become, and what becomes of them when people edit them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from collectors.it.rest import Rest
from collectors.mapping.templates import template
from collectors.runner import Patience, Runner
from ledger.core.clock import SystemClock
from ledger.core.errors import FatalSource
from ledger.core.record import Action, Actor, ActorKind, Change, Link, LinkBasis, LinkKind, Record, Target
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Precision
from ledger.sources.challenge_kinds import ResultState
from tests.support.challenged import Site, held
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.memory_sink import MemorySink
from tests.support.redmine.server import Engineer, RedmineServer

pytestmark = pytest.mark.timeout(180)
QUICK = Patience(attempts=2, first=0.05, longest=0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedmineServer]:
    made = RedmineServer(tmp_path_factory.mktemp("redmine"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def engineer(server: RedmineServer) -> Iterator[Engineer]:
    made = Engineer(server)
    yield made
    made.close()


@pytest.fixture
def now() -> str:
    """When the test began, so that it reads only what happened in it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def collector(server: RedmineServer, key: str | None = None, **options: str) -> Rest:
    config = SourceConfig(
        id="qms",
        type="rest",
        title="QMS",
        options={"url": server.url, **options},
        mapping=template("redmine-issue-journals").text,
    )
    return Rest(config, {"password": server.keys["collector"] if key is None else key}, SystemClock())


def pull(sink: MemorySink, made: Rest) -> list[Record]:
    before = len(sink.records)
    Runner(made, sink, SystemClock(), patience=QUICK).pull()
    assert sink.rejected == []
    return sink.records[before:]


def of_issue(records: list[Record], number: int) -> list[Record]:
    return [record for record in records if record.object.id == str(number)]


def test_an_issue_is_created_and_changed_by_somebody_for_a_reason(
    now: str, server: RedmineServer, engineer: Engineer
) -> None:
    number = engineer.open("Raise the set point", description="TIC101")
    engineer.change(number, subject="Raise the set point to 55.5", done_ratio=50, notes="approved by quality")
    created, changed = of_issue(pull(MemorySink("qms"), collector(server, start=now)), number)
    assert created.source_record_id == f"issue/{number}"
    assert (created.action, created.changes, created.reason) == (Action.CREATE, (), None)
    assert changed.source_record_id.startswith("journal/")
    assert changed.action is Action.UPDATE
    assert changed.object == Target(type="issue", id=str(number))
    assert changed.actor == created.actor
    assert changed.actor == Actor(account=changed.actor.account, kind=ActorKind.PERSON, name="Engineer Redmine")
    assert changed.reason == "approved by quality"
    assert set(changed.changes) == {
        Change(attribute="subject", old="Raise the set point", new="Raise the set point to 55.5"),
        Change(attribute="done_ratio", old="0", new="50"),
    }
    assert changed.links == (Link(kind=LinkKind.CHANGE_REQUEST, id=str(number), basis=LinkBasis.READ),)
    assert (changed.occurred_at.basis, changed.occurred_at.precision) == (Basis.SOURCE_ZONE, Precision.SECOND)


def test_many_issues_are_read_over_pages_each_once(now: str, server: RedmineServer, engineer: Engineer) -> None:
    numbers = [engineer.open(f"Issue {number}") for number in range(9)]
    engineer.change(numbers[0], notes="the first is now the last")
    sink, made = MemorySink("qms"), collector(server, page_size="4", start=now)
    records = pull(sink, made)
    assert [len(of_issue(records, number)) for number in numbers] == [2] + [1] * 8
    assert pull(sink, made) == []
    assert (sink.changed, sink.duplicates, sink.gaps) == ([], 0, [])


def test_a_note_that_is_edited_or_taken_back_later_does_not_replace_what_was_collected(
    now: str, server: RedmineServer, engineer: Engineer
) -> None:
    number = engineer.open("Deviation")
    engineer.change(number, notes="found two broken seals")
    sink, made = MemorySink("qms"), collector(server, start=now)
    before = of_issue(pull(sink, made), number)
    (journal,) = engineer.journals(number)
    engineer.edit_note(journal["id"], "found one broken seal")
    (edited,) = pull(sink, made)
    assert edited.reason == "found one broken seal"
    assert sink.changed == [edited.source_record_id]
    engineer.edit_note(journal["id"], "")
    assert engineer.journals(number) == []
    assert pull(sink, made) == []
    assert of_issue(sink.records, number) == [*before, edited]


def test_private_notes_are_seen_and_a_deleted_issue_stays_collected(
    now: str, server: RedmineServer, engineer: Engineer
) -> None:
    number = engineer.open("To be deleted")
    engineer.change(number, notes="not for everybody", private_notes=True)
    sink, made = MemorySink("qms"), collector(server, start=now)
    reasons = [record.reason for record in of_issue(pull(sink, made), number)]
    assert reasons == [None, "not for everybody"]
    engineer.delete(number)
    assert pull(sink, made) == []
    assert len(of_issue(sink.records, number)) == 2


def test_a_wrong_key_is_refused_although_redmine_shows_public_issues_to_anybody(server: RedmineServer) -> None:
    with pytest.raises(FatalSource, match="X-Redmine-API-Key"):
        pull(MemorySink("qms"), collector(server, key="no-such-key"))
    assert all(check.ok for check in collector(server).check().checks)


def test_from_a_start_on_only(server: RedmineServer, engineer: Engineer) -> None:
    engineer.open("Now")
    assert pull(MemorySink("qms"), collector(server, start="2100-01-01T00:00:00Z")) == []
    assert pull(MemorySink("qms"), collector(server, start="2020-01-01T00:00:00Z"))


def test_a_challenge_is_planted_by_a_request_of_an_account_of_its_own(
    now: str, server: RedmineServer, engineer: Engineer, sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    number = engineer.open("To be challenged")
    key = tmp_path / "key"
    key.write_text(server.keys["engineer"], encoding="utf-8")
    config = SourceConfig(
        id="qms",
        type="rest",
        title="QMS",
        options={"url": server.url, "start": now},
        mapping=template("redmine-issue-journals").text,
    )
    site = Site(sqlite_ledger, config, {"password": server.keys["collector"]})
    options = {
        "url": server.url, "auth": "header", "auth_header": "X-Redmine-API-Key",
        "path": f"issues/{number}.json", "body": '{"issue": {"subject": "{new}"}}',
        "read": f"issues/{number}.json", "value": "issue.subject",
    }  # fmt: skip
    given: dict[str, Any] = {"object_type": "issue", "object_id": str(number), "action": Action.UPDATE}
    site.challenge(options, {"password": key}, "challenge {nonce}", attribute="subject", **given)
    assert site.plant().run.old == "To be challenged"
    site.collect()
    assert {"old", "new", "time"} <= held(site.result())
    site.challenge({**options, "path": "issues/999999.json"}, {"password": key}, "{nonce}", **given)
    refused = site.work.plant(site.name, AUTHORITY).result
    assert refused is not None
    assert (refused.state, "has nothing at" in refused.detail) == (ResultState.NOT_PLANTED, True)
