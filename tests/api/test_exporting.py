"""All that a search finds, as a file: what the pages give, in each order, while more is appended."""

import asyncio
import csv
import html
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.testing import TestClient

from ledger.core.hashing import unb64
from ledger.core.note import parse_note
from ledger.core.source import SourceConfig
from ledger.exporting import Wanted, begin
from ledger.people.access import Scope
from ledger.present.messages import message
from ledger.sources.narrowing import Where
from ledger.store import ordering
from ledger.store.ordering import Sort, SortKey
from ledger.store.question import Query
from ledger.trace import exporting
from ledger.trace.columns import COLUMNS
from reports.exports import Format
from tests.api.test_look_ups import SEARCH
from tests.api.world import AT, SOURCE, World, run, submission
from tests.support.application import app_of, give_back
from tests.support.postgres import chosen_database

EXPORT = f"{SEARCH}/export"
RECORDS = 40
SORTS = [("index", "desc"), ("index", "asc"), ("occurred", "desc"), ("recorded", "asc"), ("actor", "asc"),
         ("action", "desc"), ("object", "asc"), ("reason", "desc")]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A ledger with records of which some have no reason, no actor, no time; reasons of one source are sealed."""
    world = World(tmp_path_factory.mktemp("exported") / "ledger", postgres=chosen_database(request))
    world.service.sources.register(SourceConfig(id="sealing", type="test", title="S", seal=("reason",)), world.root)
    post(world, [made(number) for number in range(RECORDS)])
    sealing = [submission(900, source="sealing", reason="of a person")]
    with TestClient(app_of(world.service)) as client:
        token = world.token(Scope.INGEST, sources=("sealing",)).token
        answer = client.post(
            "/api/v1/sources/sealing/runs",
            json={**run(sealing), "source": "sealing"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 201, answer.text
    world.service.publisher.publish_all()
    yield world
    world.close()


def made(number: int) -> dict[str, Any]:
    at = None if number % 7 == 0 else 1_764_052_864_000_000 + number % 9 * 1_000
    text = AT if at is not None else "about noon"
    more: dict[str, Any] = {
        "occurred_at": {"text": text, "precision": "microsecond", "basis": "source-zone", "instant_us": at},
        "actor": {"account": None if number % 5 == 0 else f"op{number % 4}", "kind": "person"},
        "action": ("update", "create", "delete")[number % 3],
    }
    if number % 6:
        more["reason"] = f"=2+{number % 8}"
    if number % 4:
        more["source_recorded_at"] = {
            "text": AT, "precision": "microsecond", "basis": "source-zone", "instant_us": 1_764_052_000_000_000 + number
        }  # fmt: skip
    return submission(number, **more)


def post(world: World, records: list[Any]) -> None:
    with TestClient(app_of(world.service)) as client:
        answer = client.post(f"/api/v1/sources/{SOURCE}/runs", json=run(records), headers=world.headers(Scope.INGEST))
        assert answer.status_code == 201, answer.text


@pytest.fixture
def client(filled: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(filled.service)) as found:
        yield found


def exported(client: TestClient[Any], world: World, **parameters: str) -> Any:
    answer = client.get(EXPORT, params=parameters, headers=world.headers(Scope.EXPORT))
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.requirement("R03")
@pytest.mark.sampled
@pytest.mark.parametrize(("sort", "order"), SORTS)
def test_an_export_has_what_all_pages_have_in_their_order_though_more_is_appended(
    filled: World, client: TestClient[Any], monkeypatch: pytest.MonkeyPatch, sort: str, order: str
) -> None:
    monkeypatch.setattr(exporting, "ENTRIES", 7)
    asked = {"sort": sort, "order": order}
    rows = exported(client, filled, format="jsonl", columns="index,account,action,reason", **asked)
    size = rows.headers["Trailseal-Size"]
    wanted = Wanted(
        query=Query(), where=Where(), size=None, at_checkpoint=False,
        sort=Sort(by=SortKey(sort), ascending=order == "asc"), columns="index,account,action,reason",
    )  # fmt: skip
    begun = begin(filled.service, filled.service.log(None), wanted, Format.JSONL, "root", None)
    some = next(begun.pieces)
    post(filled, [made(1_000 + int(size))])
    assert begun.source.size == int(size)
    assert some + b"".join(begun.pieces) == rows.content
    found, after = [], None
    while True:
        page = client.get(
            SEARCH,
            params={**asked, "size": size, "limit": 7, **({} if after is None else {"after": after})},
            headers=filled.headers(Scope.READ),
        ).json()
        found += page["hits"]
        after = page["next_after"]
        if after is None:
            break
    lines = [msgspec.json.decode(line) for line in rows.content.splitlines()]
    assert len(lines) > RECORDS
    assert lines == [
        {
            "index": hit["index"],
            "account": hit["record"]["actor"]["account"],
            "action": hit["record"]["action"],
            "reason": hit["record"].get("reason"),
        }
        for hit in found
    ]


QUESTIONS: list[dict[str, str]] = [
    {"action": "update"}, {"text": "setpoint"}, {"link": "batch:B-1"}, {"object_id": "TIC3.SP"}, {"reasoned": "false"},
    {"received_from": AT, "action": "create"}, {"object_type": "none"},
]  # fmt: skip


@pytest.mark.sampled
@pytest.mark.parametrize("few", [2, 10_000])
@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_any_question_s_export_has_what_its_page_has_however_it_is_read(
    filled: World, client: TestClient[Any], monkeypatch: pytest.MonkeyPatch, question: dict[str, str], few: int
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 3)
    monkeypatch.setattr(ordering, "FEW", few)
    for order in ("asc", "desc"):
        asked = {**question, "order": order}
        page = client.get(SEARCH, params={**asked, "limit": 500}, headers=filled.headers(Scope.READ)).json()
        size = str(page["size"])
        lines = exported(client, filled, format="jsonl", columns="index", size=size, **asked).content.splitlines()
        assert [msgspec.json.decode(line)["index"] for line in lines] == [hit["index"] for hit in page["hits"]]
        assert bool(lines) is (question.get("object_type") != "none")


@pytest.mark.requirement("R03")
def test_every_column_is_written_and_the_page_s_own_are_the_default(filled: World, client: TestClient[Any]) -> None:
    answer = exported(client, filled, format="csv", columns=",".join(COLUMNS), source="sealing")
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    index = row["index"]
    entry = client.get(f"/api/v1/logs/records/entries/{index}", headers=filled.headers(Scope.READ)).json()
    record = entry["decoded"]["record"]
    assert row["reason"] == "(withheld)"
    assert row["logged_at"] == entry["logged_at"]
    assert row["leaf_hash"] == entry["leaf_hash"]
    assert row["received_at"] == entry["decoded"]["received_at"] == AT
    assert row["occurred_at"] == record["occurred_at"]["text"]
    assert row["occurred_at_utc"] == "2025-11-25T06:41:04.000000Z"
    assert row["occurred_local"] == "2025-11-25 06:41:04.000000+00:00"
    assert (row["source_record_id"], row["object_name"]) == ("log/900", "Reactor temperature setpoint")
    assert (row["changes"], row["links"]) == ("Value: 50.0 → 55.5 degC", "batch=B-1 (read)")
    assert (row["batch"], row["imported"], row["workstation"]) == ("B-1", "", "")
    assert row["sentence"].startswith("operator1 changed")
    local = exported(client, filled, zone="Asia/Kolkata", source="sealing")
    (head, line) = csv.reader(io.StringIO(local.content.decode("utf-8-sig"), newline=""))
    assert head == ["index", "occurred_local", "sentence", "batch", "source"]
    assert line == [index, "2025-11-25 12:11:04.000000+05:30", row["sentence"], "B-1", "sealing"]


@pytest.mark.requirement("R03")
def test_an_export_names_what_it_is_of(filled: World, client: TestClient[Any]) -> None:
    answer = exported(client, filled, format="xlsx", at_checkpoint="true")
    assert answer.content.startswith(b"PK")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    note = parse_note(unb64(answer.headers["Trailseal-Checkpoint"]))
    origin, size, root = note.text.split("\n")[:3]
    assert (origin, size, root) == tuple(answer.headers[f"Trailseal-{name}"] for name in ("Origin", "Size", "Root"))
    assert answer.headers["content-disposition"] == f'attachment; filename="records-{size}.xlsx"'


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({"columns": "index,nothing"}, "nothing"), ({"columns": "index,index"}, "twice"), ({"size": "99999"}, "99999"),
     ({"format": "pdf"}, ""), ({"occurred_from": AT, "occurred_to": AT}, "occurred_from")],
)  # fmt: skip
def test_what_is_wrong_is_said_before_there_is_a_byte(
    filled: World, client: TestClient[Any], parameters: dict[str, str], says: str
) -> None:
    answer = client.get(EXPORT, params=parameters, headers=filled.headers(Scope.EXPORT))
    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_who_may_only_read_exports_nothing(filled: World, client: TestClient[Any]) -> None:
    assert client.get(EXPORT, headers=filled.headers(Scope.READ)).status_code == 403


@pytest.mark.requirement("R03")
def test_an_export_for_a_person_takes_a_purpose_and_is_entered_with_the_number_of_its_records(
    filled: World, client: TestClient[Any]
) -> None:
    before = len(filled.system_entries("look-up"))
    refused = client.get(EXPORT, params={"actor": "op1"}, headers=filled.headers(Scope.EXPORT))
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_required")
    assert len(filled.system_entries("look-up")) == before
    answer = exported(client, filled, actor="op1", purpose="investigation", format="jsonl", columns="index")
    entered = filled.system_entries("look-up")
    assert len(entered) == before + 1
    assert entered[-1]["count"] == len(answer.content.splitlines()) > 0


def test_a_client_that_goes_away_ends_its_export_and_leaves_no_reader_busy(
    filled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CHUNK", 1)
    app = app_of(filled.service)
    token = filled.headers(Scope.EXPORT)["Authorization"]
    sent: list[bytes] = []

    async def ask() -> None:
        gone = asyncio.Event()
        asked = False

        async def receive() -> Any:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                sent.append(message["body"])
                if len(sent) == 3:
                    gone.set()
                    await asyncio.sleep(0.05)

        scope: Any = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": EXPORT, "raw_path": EXPORT.encode(), "query_string": b"format=jsonl&columns=index",
            "root_path": "", "headers": [(b"host", b"testserver"), (b"authorization", token.encode())],
            "client": ("127.0.0.1", 1), "server": ("testserver", 80), "extensions": {},
        }  # fmt: skip
        await app(scope, receive, send)

    with asyncio.Runner() as runner:
        runner.run(ask())
    give_back(app)
    assert 3 <= len(sent) < RECORDS
    assert filled.service.store.readers.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.fixture
def pages(filled: World) -> Iterator[TestClient[Any]]:
    with TestClient(app_of(filled.service, "Europe/Berlin")) as found:
        yield found


@pytest.mark.requirement("R03")
@pytest.mark.parametrize(
    "question",
    [{"action": "create", "sort": "actor", "order": "asc", "columns": "index,reason,account,object_id"},
     {"links": "batch:B-1", "time": "received", "from": "2020-01-01", "reasoned": "no", "columns": "source,index"},
     {"actor": "op2", "purpose": "inspection", "columns": "index,sentence,reason"}],
    ids=str,
)  # fmt: skip
def test_a_page_links_to_a_file_of_exactly_what_it_shows(
    filled: World, pages: TestClient[Any], question: dict[str, str]
) -> None:
    text = pages.get("/search", params=question, headers=filled.headers(Scope.READ)).text
    assert "search/export" not in text, "who reads alone sees no link"
    name = f"exporting-{len(filled.people.accounts())}"
    filled.people.create_account(name, name, "for the test", filled.root)
    token = filled.people.grant(name, [Scope.READ, Scope.EXPORT], "for the test", filled.root).token
    headers = {"Authorization": f"Bearer {token}"}
    text = pages.get("/search", params={**question, "limit": "100"}, headers=headers).text
    (link,) = re.findall(r'href="(/api/v1/logs/records/search/export[?]format=csv[^"]*)"', text)
    answer = pages.get(html.unescape(link), headers=headers)
    assert answer.status_code == 200, answer.text
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert head == question["columns"].split(",")
    shown = re.findall(r'href="/entries/records/(\d+)"', text)
    assert [row[head.index("index")] for row in rows] == shown != []
    for row in rows:
        for name, value in zip(head, row, strict=True):
            if name != "index":
                assert html.escape(value.removeprefix("'")) in text or name == "sentence"


def test_the_page_says_which_columns_there_are(filled: World, pages: TestClient[Any]) -> None:
    headers = filled.headers(Scope.READ)
    wrong = pages.get("/search", params={"columns": "index,nothing"}, headers=headers)
    assert (wrong.status_code, "leaf_hash" in wrong.text) == (400, True)
    every = pages.get("/search", params={"columns": ",".join(COLUMNS)}, headers=headers)
    assert every.status_code == 200
    for name in COLUMNS:
        assert message(f"column.{name}", zone="Europe/Berlin") in html.unescape(every.text)
    assert message("value.sealed") in html.unescape(every.text)
    assert "search/export" not in every.text
