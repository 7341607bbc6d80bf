"""What pages show, without HTTP: the same on either database, and nothing that was altered shown as sound."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import Connection

from ledger.core.errors import IntegrityError, NotFound
from ledger.core.hashing import ZERO_HASH, b64
from ledger.core.run import SourceFacts
from ledger.core.source import ARCHIVE, SourceConfig
from ledger.present.states import State
from ledger.present.values import plain
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.sources.import_kinds import Expected, ImportedFile
from ledger.store.position import pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.web.views.common import Scope
from ledger.web.views.entry import EntryView, entry_view
from ledger.web.views.home import HomeView, LogStatus, home_view
from ledger.web.views.search import SearchView, search_view
from tests.support.ledgers import AUTHORITY, batch, submission
from tests.unit.web.conftest import World

pytestmark = pytest.mark.sampled


def entry(world: World, index: int, log: str = "records") -> EntryView:
    def make(scope: Scope, connection: Connection) -> EntryView:
        found = scope.log(log)
        return entry_view(scope, LogReader(connection, found.number), found, index)

    view: EntryView = world.view(make)
    return view


def search(world: World, **parameters: str) -> SearchView:
    def make(scope: Scope, connection: Connection) -> SearchView:
        return search_view(scope, lambda log: LogReader(connection, log.number), parameters, allow)

    def allow(reader: LogReader, query: Query, purpose: Purpose | None, person: str | None = None, /) -> Allowed | None:
        return world.service.look_ups.allow(reader.connection, reader.log, query, "local:tester", purpose, person)

    view: SearchView = world.view(make)
    return view


def home(world: World) -> HomeView:
    view: HomeView = world.view(home_view)
    return view


def failing(view: EntryView) -> set[str]:
    return {check.key for check in view.checks if check.state is State.FAILS}


def records(view: HomeView) -> LogStatus:
    return next(status for status in view.logs if status.log.name == "records")


def test_a_sound_entry_holds_in_every_check_and_says_what_it_is(world: World) -> None:
    view = entry(world, 20)
    assert {check.state for check in view.checks} == {State.HOLDS}
    assert plain(view.sentence).startswith("operator1 changed TIC104.SP from 51.0 to 51.5 °C on REACTOR-1")
    assert [row.key for row in view.times] == ["when.occurred", "when.recorded", "when.received", "when.logged"]
    assert view.proof.checkpoint is not None
    assert view.proof.checkpoint.size == 308
    assert [(row.member, row.value, row.state) for row in view.sealed] == [
        ("actor.name", "Operator 1 of the day shift", State.HOLDS)
    ]
    assert (view.previous, view.next, view.address) == (19, 21, "ledger.example/site-a/records#20")


def test_an_entry_without_a_checkpoint_is_not_judged(world: World) -> None:
    view = entry(world, 310)
    assert view.worst.state is State.UNKNOWN
    assert view.proof.checkpoint is None
    assert not failing(view)


@pytest.mark.parametrize(
    ("statement", "values", "check"),
    [
        ("UPDATE body SET body = :value WHERE pos = :pos", {"value": "forged"}, "check.body"),
        ("UPDATE body SET salt = :value WHERE pos = :pos", {"value": bytes(32)}, "check.body"),
        ("UPDATE original SET data = :value WHERE pos = :pos", {"value": b"{}"}, "check.original"),
    ],
)
def test_an_altered_value_does_not_hold(world: World, statement: str, values: dict[str, Any], check: str) -> None:
    if values["value"] == "forged":
        with world.service.store.reader(1) as reader:
            body = reader.entry(20).body
        assert body is not None
        values = {"value": body.replace(b"operator1", b"operator7")}
    world.tamper(statement, pos=pos_of(1, 20), **values)
    view = entry(world, 20)
    assert failing(view) == {check}
    assert view.worst.state is State.FAILS


def test_an_altered_leaf_breaks_chain_and_inclusion(world: World) -> None:
    with world.service.store.reader(1) as reader:
        leaf = reader.entry(20).leaf
    world.tamper(
        "UPDATE leaf SET data = :value WHERE pos = :pos",
        pos=pos_of(1, 20),
        value=leaf.replace(b'"kind":"record"', b'"kind":"review"'),
    )
    assert "check.chain" in failing(entry(world, 21))
    assert "check.included" in failing(entry(world, 20))
    assert search(world, text="event-15").rows[0].sentence[0].text.startswith("This entry is no longer what was logged")


def test_a_leaf_that_is_none_is_named_and_takes_no_other_page_along(world: World) -> None:
    world.tamper("UPDATE leaf SET data = :value WHERE pos = :pos", pos=pos_of(1, 315), value=b"{}")
    with pytest.raises(IntegrityError, match="entry 315 of log records is not what was logged"):
        entry(world, 315)
    assert records(home(world)).last_kind == "unreadable"
    assert entry(world, 20).worst.state is State.HOLDS


def test_an_altered_sealed_value_is_not_shown_as_the_sealed_one(world: World) -> None:
    world.tamper("UPDATE sealed_value SET value = :value WHERE pos = :pos", pos=pos_of(1, 20), value=b'"Someone"')
    [row] = entry(world, 20).sealed
    assert row.value is None
    assert row.state is State.UNKNOWN


def test_an_original_that_is_gone_is_said_to_be_gone(world: World) -> None:
    world.tamper("DELETE FROM original WHERE pos = :pos", pos=pos_of(1, 20))
    view = entry(world, 20)
    assert view.original is not None
    assert not view.original.kept
    assert view.worst.state is State.UNKNOWN


def test_a_forged_checkpoint_does_not_hold_at_home(world: World) -> None:
    with world.service.store.reading() as connection:
        note = connection.exec_driver_sql("SELECT note FROM checkpoint WHERE log = 1 AND size = 308").scalar_one()
    lines = bytes(note).split(b"\n")
    lines[2] = b"A" * 43 + b"="
    world.tamper("UPDATE checkpoint SET note = :value WHERE log = 1 AND size = 308", value=b"\n".join(lines))
    checkpoint = records(home(world)).checkpoint
    assert checkpoint is not None
    assert checkpoint.shown.signed is State.FAILS
    assert checkpoint.matches is State.FAILS
    assert {"check.signed", "check.included"} <= failing(entry(world, 20))


def test_home_says_what_is_known_of_each_log_and_source(world: World) -> None:
    view = home(world)
    status = records(view)
    assert (status.size, status.open_entries, status.last_kind) == (316, 8, "collection run")
    assert status.checkpoint is not None
    assert (status.checkpoint.shown.size, status.checkpoint.shown.signed) == (308, State.HOLDS)
    assert status.checkpoint.bound is not None
    found = {source.id: source for source in view.sources}
    assert set(found) == {"dcs", "erp", "lims"}
    assert (found["dcs"].records, found["dcs"].gaps, found["dcs"].state) == (240, 0, State.HOLDS)
    assert (found["erp"].records, found["erp"].gaps, found["erp"].quarantined) == (67, 1, 1)
    assert found["erp"].state is State.UNKNOWN
    assert found["lims"].run is None
    exposure = found["dcs"].exposure
    assert exposure is not None
    assert exposure.longest == "0.864 s"
    assert found["lims"].exposure is None


def test_an_entry_of_every_kind_in_the_ledger_has_a_page(world: World) -> None:
    kinds = set()
    for log, size in (("system", 4), ("records", 316)):
        for index in (*range(5), *range(size - 12, size)):
            if 0 <= index < size:
                view = entry(world, index, log)
                kinds.add(view.kind)
                assert plain(view.sentence)
                assert view.record or view.members
    assert {"log created", "key event", "source", "record", "collection run", "log binding"} <= kinds


def test_a_search_is_made_as_of_its_size_and_can_be_cited(world: World) -> None:
    view = search(world, source="erp", size="308", limit="10")
    assert view.total == 60
    assert view.form.size == 308
    assert "size=308" in view.cite
    assert view.older is not None
    assert view.current is not None
    again = search(world, source="erp", limit="10")
    assert (again.total, again.form.size, again.current) == (67, 316, None)


def test_a_facet_narrows_and_a_filter_can_be_dropped(world: World) -> None:
    view = search(world, source="dcs", outcome="denied")
    assert view.total == len(view.rows) > 0
    [source] = [group for group in view.facets if group.key == "search.source"]
    assert [(choice.label, choice.chosen) for choice in source.choices] == [("dcs", True)]
    assert "source" not in source.choices[0].url
    assert [(one.key, one.value) for one in view.filters] == [("search.source", "dcs"), ("search.outcome", "refused")]


def test_times_are_read_in_site_time(world: World) -> None:
    view = search(world, **{"source": "dcs", "from": "2026-11-25 07:00", "to": "2026-11-25 07:10"})
    assert view.total == 20
    assert {row.occurred.local[:15] for row in view.rows if row.occurred} == {"2026-11-25 07:0"}


@pytest.mark.requirement("R51")
def test_a_window_is_over_the_time_that_is_chosen(world: World) -> None:
    window = {"source": "dcs", "from": "2026-11-25 07:00", "to": "2026-11-25 07:10"}
    assert search(world, **window, time="occurred").total == 20
    received = search(world, source="dcs", time="received", to="2000-01-01")
    assert (received.total, received.rows) == (0, ())
    assert received.windows == ("Received from the beginning to before 2000-01-01 00:00:00.000000 CET +01:00.",)


def test_rows_stand_in_the_order_that_is_chosen_page_by_page(world: World) -> None:
    asked = {"source": "erp", "sort": "object", "order": "asc", "limit": "60"}
    view, seen = search(world, **asked), []
    while True:
        seen += [row.index for row in view.rows]
        if view.older is None:
            break
        view = search(world, **dict(parse_qsl(urlsplit(view.older).query)))
    assert len(seen) == len(set(seen)) == view.total
    with world.service.store.reader(1) as reader:
        bodies = [json.loads(reader.entry(index).body or b"") for index in seen]
    objects = [body["record"]["object"]["id"] for body in bodies]
    assert objects == sorted(objects)
    assert set(search(world, sort="person").errors) == {"sort"}
    assert set(search(world, sort="actor", before="5").errors) == {"sort"}


def test_a_view_counts_so_many_by_itself_and_the_rest_when_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.web.views.search.AT_ONCE", 30)
    view = search(world, source="erp")
    assert view.total == 30
    assert view.more is not None
    whole = search(world, **dict(parse_qsl(urlsplit(view.more).query)))
    assert (whole.total > 30, whole.more) == (True, None)


def test_every_link_that_is_asked_for_must_be_there(world: World) -> None:
    batch = next(one for row in search(world, source="dcs", link_kind="batch").rows for one in row.batches)
    one = search(world, link_kind="batch", link_id=batch).total
    assert search(world, links=f"batch:{batch}").total == one > 0
    assert search(world, links=f"batch:{batch} ; lot:none").total == 0
    assert search(world, source="nowhere").unknown_source == "nowhere"


def test_a_place_or_a_person_is_asked_of_the_dated_maps(world: World) -> None:
    whole = search(world, source="dcs")
    assert search(world, source="dcs", unit="R-nowhere").total == 0 < whole.total
    assert set(search(world, person="P-1").errors) == {"purpose"}


UNREADABLE = {
    "from": "yesterday",
    "to": "2026-10-25 02:30",
    "action": "dance",
    "size": "317",
    "before": "-1",
    "limit": "1e9",
    "link_kind": "planet",
    "links": "planet:1",
    "time": "tomorrow",
    "reasoned": "perhaps",
}
ODD_TEXTS = ("' OR 1=1 --", '"', "\x00", "*", "(", "NEAR(", "a" * 5000, "\ud7ff\U0001f600")


def test_what_cannot_be_read_is_named_and_nothing_is_searched(world: World) -> None:
    for field, value in UNREADABLE.items():
        view = search(world, **{field: value})
        assert set(view.errors) == {field}
        assert view.rows == ()
    assert set(search(world, **UNREADABLE).errors) == set(UNREADABLE)


def test_any_text_can_be_searched_for(world: World) -> None:
    for text in ODD_TEXTS:
        assert search(world, text=text).errors == {}


def test_what_is_not_there_is_named(world: World) -> None:
    with pytest.raises(NotFound, match="no entry 316"):
        entry(world, 316)
    with pytest.raises(NotFound, match="no entry -1"):
        entry(world, -1)
    with pytest.raises(NotFound, match="no log 'x'"):
        entry(world, 0, "x")


def test_a_record_of_a_source_that_waits_for_validation_says_so(world: World) -> None:
    cursor, last = world.service.ingest.state("erp").cursor, -1
    for number, version in enumerate(("8.2", "8.4")):
        run = batch(
            [submission(number, "erp")],
            "erp",
            cursor_from=cursor,
            cursor_to=str(number),
            facts=SourceFacts(version=version),
        )
        cursor = run.cursor_to
        last = world.service.ingest.submit(run, AUTHORITY).outcomes[0].index
    assert entry(world, last).waiting
    assert not entry(world, last + 1).waiting, "the run"
    assert not entry(world, 20).waiting


def test_a_record_that_was_imported_says_so_where_it_is_found_and_shown(world: World) -> None:
    log = world.service.record_log()
    log.sources.register(SourceConfig(id="old-lims", type=ARCHIVE, title="Old LIMS"), AUTHORITY)
    file = ImportedFile(name="trail.csv", sha256=b64(ZERO_HASH), size=1, stated=False)
    log.imports.begin("old-lims", file, "old@1", Expected(rows=1), "switched off", AUTHORITY)
    index = world.service.ingest.submit(batch([submission(1, "old-lims")], "old-lims"), AUTHORITY).outcomes[0].index
    assert entry(world, index).imported
    assert not entry(world, 20).imported
    assert [row.imported for row in search(world, source="old-lims").rows] == [True]
    assert not any(row.imported for row in search(world, source="erp").rows)
    for state, word in ((State.UNKNOWN, "do not agree"), (State.HOLDS, "reconciled")):
        shown = next(one for one in home(world).sources if one.id == "old-lims")
        assert (shown.state, word in shown.coverage) == (state, True)
        if state is State.UNKNOWN:
            log.imports.finish(log.imports.list()[0].last.id, "all read", AUTHORITY)
