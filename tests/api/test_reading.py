"""Entries, proofs, originals, search, checkpoints and tiles, as a client outside sees and checks them."""

import base64
import hashlib
import io
import json
from typing import Any

import pypdf
import pytest
from litestar.testing import TestClient

from ledger.core.checkpoint import open_checkpoint
from ledger.core.clock import parse_utc
from ledger.core.merkle import verify_consistency, verify_inclusion
from ledger.core.note import VerifierKey
from ledger.core.policy import Policy
from ledger.core.proof import TlogProof
from ledger.core.tiles import decode_bundle
from ledger.people.access import Scope
from ledger.present.card import words_of
from tests.api.world import ORIGIN, SOURCE, World, run, submission

TOTAL = 300


def _submitted(number: int) -> dict[str, Any]:
    """One a minute, on ten workstations and pieces of equipment in turn."""
    minute = number % 60
    recorded: dict[str, Any] = {"text": f"07:{minute:02}", "precision": "minute", "basis": "assumed"}
    recorded["instant_us"] = parse_utc(f"2026-11-25T07:{minute:02}:00.000000Z")
    links = [("batch", "B-1"), ("equipment", f"R-{number % 10}")]
    return submission(
        number,
        reason=f"reason {number}",
        actor={"account": "operator1", "kind": "person", "role": "operator", "workstation": f"HMI-{number % 10}"},
        links=[{"kind": kind, "id": id_, "basis": "read"} for kind, id_ in links],
        source_recorded_at=recorded,
    )


@pytest.fixture(scope="module")
def filled(shared_world: World, shared_client: TestClient[Any]) -> World:
    """300 records in runs of 100, with a checkpoint after each."""
    for at in range(0, TOTAL, 100):
        answer = shared_client.post(
            f"/api/v1/sources/{SOURCE}/runs",
            content=json.dumps(run([_submitted(at + i) for i in range(100)])),
            headers=shared_world.headers(Scope.INGEST),
        )
        assert answer.status_code == 201
        shared_world.service.publisher.publish_all()
    return shared_world


def read(client: TestClient[Any], world: World, path: str, scope: Scope = Scope.READ) -> Any:
    answer = client.get(path, headers=world.headers(scope))
    assert answer.status_code == 200, answer.text
    return answer.json() if "json" in answer.headers["content-type"] else answer.content


def key(client: TestClient[Any], log: str) -> VerifierKey:
    keys = {one["log"]: one for one in client.get("/api/v1/keys").json()}
    assert keys[log]["origin"] == f"{ORIGIN}/{log}"
    return VerifierKey.parse(keys[log]["vkey"])


def test_an_entry_can_be_checked_by_hand_from_what_is_answered(filled: World, shared_client: TestClient[Any]) -> None:
    found = read(shared_client, filled, "/api/v1/logs/records/entries/150")
    leaf, body, salt = (base64.b64decode(found[part]) for part in ("leaf", "body", "salt"))
    commitment = hashlib.sha256(b"\x02" + salt + body).digest()
    assert json.loads(leaf)["body"] == base64.b64encode(commitment).decode()
    leaf_hash = hashlib.sha256(b"\x00" + leaf).digest()
    assert found["leaf_hash"] == base64.b64encode(leaf_hash).decode()
    assert json.loads(body) == found["decoded"]
    proof = read(shared_client, filled, "/api/v1/logs/records/entries/150/proof")
    signed = open_checkpoint(proof["checkpoint"].encode(), f"{ORIGIN}/records", [key(shared_client, "records")])
    assert signed.checkpoint.size == proof["size"]
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    verify_inclusion(150, proof["size"], leaf_hash, hashes, signed.checkpoint.root)


def test_the_proof_file_verifies_offline(filled: World, shared_client: TestClient[Any]) -> None:
    answer = shared_client.get("/api/v1/logs/records/entries/42/tlog-proof", headers=filled.headers(Scope.EXPORT))
    assert answer.headers["content-disposition"] == 'attachment; filename="records-42.tlog-proof"'
    proof = TlogProof.parse(answer.content)
    policy = Policy.parse(f"log {key(shared_client, 'records')}\nquorum none\n")
    assert proof.extra is not None
    signed = proof.verify(hashlib.sha256(b"\x00" + proof.extra).digest(), policy)
    assert signed.checkpoint.size > proof.index == 42


@pytest.mark.requirement("R70")
def test_an_original_is_saved_and_never_shown(filled: World, shared_client: TestClient[Any]) -> None:
    answer = shared_client.get("/api/v1/logs/records/entries/10/original", headers=filled.headers(Scope.EXPORT))
    assert answer.content == b'{"a":1}'
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="records-10.original"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_an_entry_without_original_says_so(filled: World, shared_client: TestClient[Any]) -> None:
    answer = shared_client.get("/api/v1/logs/system/entries/0/original", headers=filled.headers(Scope.EXPORT))
    assert answer.status_code == 404
    assert "no original" in answer.json()["detail"]


def test_an_entry_that_no_checkpoint_covers_has_no_proof_yet(client: TestClient[Any], world: World) -> None:
    answer = client.get("/api/v1/logs/records/entries/0/proof", headers=world.headers(Scope.READ))
    assert answer.status_code == 404
    assert "no checkpoint covers" in answer.json()["detail"]


def test_pages_of_a_search_give_every_hit_once_and_newest_first(filled: World, shared_client: TestClient[Any]) -> None:
    seen: list[int] = []
    before = ""
    size = read(shared_client, filled, "/api/v1/logs/records")["size"]
    while True:
        page = read(shared_client, filled, f"/api/v1/logs/records/search?text=reason&limit=70&size={size}{before}")
        seen += [hit["index"] for hit in page["hits"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert len(seen) == TOTAL
    assert seen == sorted(set(seen), reverse=True)


def test_a_search_as_of_a_size_does_not_see_what_came_later(filled: World, shared_client: TestClient[Any]) -> None:
    page = read(shared_client, filled, "/api/v1/logs/records/search?size=50&with_facets=true&limit=500")
    assert page["size"] == 50
    assert page["count"] == len(page["hits"])
    assert all(hit["index"] < 50 for hit in page["hits"])
    assert page["facets"]["source"] == [{"value": SOURCE, "count": page["count"]}]
    answer = shared_client.get("/api/v1/logs/records/search?size=99999", headers=filled.headers(Scope.READ))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("filters", "hits"),
    [
        ("object_id=TIC7.SP", 1),
        ("text=TIC7.SP", 1),
        ("text=tic7.sp%20reason", 1),
        (
            "purpose=review&actor=operator1&action=update&link_kind=batch&link_id=B-1&source=erp&object_type=tag",
            TOTAL,
        ),
        ("purpose=review&actor=operator2", 0),
        ("occurred_from=2026-11-25T07:10:06.123456Z", 0),
        ("occurred_to=2026-11-25T07:10:06.123456Z", TOTAL),
        ("text=%22%27%3B--", 0),
        ("text=%F0%9F%98%80", 0),
        ("workstation=HMI-3&role=operator", 30),
        ("workstation=HMI-3&attribute=Value&reasoned=true", 30),
        ("reasoned=false", 0),
        ("attribute=value", 0),
        ("link=batch:B-1&link=equipment:R-3", 30),
        ("link=batch:B-1&link=equipment:R-3&link=lot:L-1", 0),
        ("recorded_from=2026-11-25T08:20:00%2B01:00&recorded_to=2026-11-25T07:30:00Z", 50),
        ("recorded_from=2026-11-25%2008:20&recorded_to=2026-11-25%2008:30&zone=Europe/Berlin", 50),
        ("received_from=2026-11-25T07:10:06.123456Z&received_to=2026-11-25T07:10:06.123457Z", TOTAL),
        ("received_to=2026-11-25T07:10:06.123456Z", 0),
    ],
)
@pytest.mark.requirement("R51")
def test_filters_hold_together(filled: World, shared_client: TestClient[Any], filters: str, hits: int) -> None:
    page = read(shared_client, filled, f"/api/v1/logs/records/search?{filters}&limit=500")
    assert len(page["hits"]) == hits


@pytest.mark.parametrize(
    "filters",
    ["limit=0", "limit=501", "limit=x", "action=explode", "before=-1", "size=-1", "occurred_from=yesterday",
     "text=a%00b", "actor=%00", "size=99999999999999999999", "with_facets=perhaps", f"text={'x' * 5000}", "link=batch",
     "link=planet:B-1", "link=batch:%00", "reasoned=perhaps", "link_kind=planet", "zone=%00"],
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(filled: World, shared_client: TestClient[Any], filters: str) -> None:
    answer = shared_client.get(f"/api/v1/logs/records/search?{filters}", headers=filled.headers(Scope.READ))
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


REFUSED = [
    ("occurred_from=2026-11-25T07:00:00Z&occurred_to=2026-11-25T07:00:00Z", ("occurred_from", "occurred_to")),
    ("recorded_from=2026-11-25T08:00:00Z&recorded_to=2026-11-25T07:00:00Z", ("recorded_from", "recorded_to")),
    ("action=update&action=create", ("action", "'update'", "'create'")),
    ("source=erp&source=dcs", ("source", "'erp'", "'dcs'")),
    ("occurred_from=2026-11-25 07:00", ("occurred_from", "no offset")),
    ("occurred_from=2026-11-25 07:00&zone=Mars/Base", ("Mars/Base",)),
    ("occurred_to=2026-10-25 02:30&zone=Europe/Berlin", ("occurred_to", "+02:00", "+01:00", "twice")),
    ("received_from=2026-03-29 02:30&zone=Europe/Berlin", ("received_from", "+01:00", "+02:00", "never")),
    ("received_from=0001-01-01T00:00:00Z", ("received_from", "too far")),
    ("link=planet:B-1", ("link", "planet:B-1")),
]


@pytest.mark.parametrize(("filters", "named"), REFUSED)
@pytest.mark.requirement("R51")
def test_what_can_never_match_is_refused_by_name(
    filled: World, shared_client: TestClient[Any], filters: str, named: tuple[str, ...]
) -> None:
    answer = shared_client.get(f"/api/v1/logs/records/search?{filters}", headers=filled.headers(Scope.READ))
    assert answer.status_code == 400, answer.text
    assert all(one in answer.json()["detail"] for one in named), answer.json()


@pytest.mark.parametrize(("day", "hours"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-25", 24)])
def test_a_window_is_told_as_it_was_read_over_a_change_of_clocks_too(
    filled: World, shared_client: TestClient[Any], day: str, hours: int
) -> None:
    after = f"{day[:-2]}{int(day[-2:]) + 1}"
    page = read(
        shared_client,
        filled,
        f"/api/v1/logs/records/search?occurred_from={day}&occurred_to={after}&zone=Europe/Berlin",
    )
    (window,) = page["windows"]
    assert (window["time"], window["zone"], window["length_us"]) == ("occurred", "Europe/Berlin", hours * 3_600_000_000)
    assert window["from_local"].startswith(f"{day} 00:00:00")
    assert window["from_utc"] == {25: "2026-10-24T22", 23: "2026-03-28T23", 24: "2026-11-24T23"}[hours] + (
        ":00:00.000000Z"
    )


@pytest.mark.parametrize("sort", ["index", "occurred", "recorded", "received", "source", "action", "object", "reason"])
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.requirement("R51", "R46")
def test_pages_in_any_order_give_every_hit_once_as_of_the_first(
    filled: World, shared_client: TestClient[Any], sort: str, order: str
) -> None:
    asked = f"/api/v1/logs/records/search?link=batch:B-1&sort={sort}&order={order}&limit=120"
    size = read(shared_client, filled, "/api/v1/logs/records")["size"] - 1
    first = read(shared_client, filled, f"{asked}&size={size}")
    (seen, page) = list(first["hits"]), first
    while page["next_after"] is not None:
        page = read(shared_client, filled, f"{asked}&after={page['next_after']}")
        assert (page["size"], page["sort"], page["order"]) == (size, sort, order)
        seen += page["hits"]
    assert len(seen) == len({hit["index"] for hit in seen}) == TOTAL
    record = {"recorded": "source_recorded_at", "object": "object", "reason": "reason"}.get(sort)
    if record is not None:
        values = [hit["record"][record] for hit in seen]
        values = [one if isinstance(one, str) else one.get("id", one.get("instant_us")) for one in values]
        assert values == sorted(values, reverse=order == "desc")
        assert len(set(values)) > 50
    else:
        indices = [hit["index"] for hit in seen]
        assert indices == sorted(indices, reverse=order == "desc"), "equal values go by index"


@pytest.mark.requirement("R03")
def test_an_answer_carries_its_checkpoint_and_is_the_same_when_it_is_asked_again(
    world: World, client: TestClient[Any]
) -> None:
    headers = {path: world.headers(scope) for path, scope in (("read", Scope.READ), ("ingest", Scope.INGEST))}

    def append(low: int, high: int) -> None:
        for at in range(low, high, 1000):
            given = json.dumps(run([submission(one) for one in range(at, min(high, at + 1000))]))
            done = client.post(f"/api/v1/sources/{SOURCE}/runs", content=given, headers=headers["ingest"])
            assert done.status_code == 201, done.text

    def asked(more: str) -> bytes:
        answer = client.get(f"/api/v1/logs/records/search?text=setpoint&sort=object&{more}", headers=headers["read"])
        assert answer.status_code == 200, answer.text
        return answer.content

    append(0, 60)
    world.service.publisher.publish_all()
    before = json.loads(asked("at_checkpoint=true"))
    size = before["size"]
    note = open_checkpoint(before["checkpoint"]["note"].encode(), f"{ORIGIN}/records", [key(client, "records")])
    assert (note.checkpoint.size, before["beyond"]) == (size, 0)
    assert base64.b64encode(note.checkpoint.root).decode() == before["checkpoint"]["root"]
    as_it_was = asked(f"size={size}&limit=500")
    assert json.loads(as_it_was)["hits"]
    append(1_000, 6_000)
    before_move = asked(f"size={size}&unit=R-9")
    since = "2020-01-01T00:00:00Z"
    moved = {"reason": "moved", "entries": [{"source": SOURCE, "tag": "TIC1.SP", "unit": "R-9", "valid_from": since}]}
    mapped = client.post("/api/v1/maps/assets", json=moved, headers=world.headers(Scope.CONFIGURE))
    assert mapped.status_code == 201, mapped.text
    assert asked(f"size={size}&limit=500") == as_it_was
    assert asked(f"size={size}&unit=R-9") == before_move
    assert [hit["record"]["object"]["id"] for hit in json.loads(before_move)["hits"]] == []
    assert {hit["record"]["object"]["id"] for hit in json.loads(asked("unit=R-9"))["hits"]} == {"TIC1.SP"}
    now = json.loads(asked("limit=1"))
    assert now["beyond"] == now["size"] - size > 5_000
    assert now["checkpoint"] == before["checkpoint"]
    world.service.publisher.publish_all()
    assert asked(f"size={size}&limit=500") == as_it_was
    assert json.loads(asked("limit=1"))["checkpoint"]["size"] > size


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("after=x", "`after`"),
        ("sort=actor&before=10", "`before`"),
        ("size=5&at_checkpoint=true", "at once"),
        ("sort=person", ""),
        ("order=up", ""),
    ],
)
def test_a_page_that_cannot_be_is_refused(filled: World, shared_client: TestClient[Any], more: str, named: str) -> None:
    answer = shared_client.get(f"/api/v1/logs/records/search?{more}", headers=filled.headers(Scope.READ))
    assert answer.status_code == 400, answer.text
    assert named in answer.json()["detail"]


def test_a_source_that_nobody_registered_is_named_beside_the_empty_answer(
    filled: World, shared_client: TestClient[Any]
) -> None:
    page = read(shared_client, filled, "/api/v1/logs/records/search?source=nowhere")
    assert (page["hits"], page["unknown_source"]) == ([], "nowhere")
    assert read(shared_client, filled, "/api/v1/logs/records/search?source=dcs")["unknown_source"] is None


def test_the_card_of_a_checkpoint_is_one_page_to_print(filled: World, shared_client: TestClient[Any]) -> None:
    latest = read(shared_client, filled, "/api/v1/logs/records/checkpoints/latest")
    head = open_checkpoint(
        latest["checkpoint"].encode(), f"{ORIGIN}/records", [key(shared_client, "records")]
    ).checkpoint
    for query in ("", f"?size={latest['size']}"):
        given = shared_client.get(f"/api/v1/logs/records/card{query}", headers=filled.headers(Scope.READ))
        assert (given.status_code, given.headers["content-type"]) == (200, "application/pdf")
        assert f"card-records-{latest['size']}.pdf" in given.headers["content-disposition"]
        (page,) = pypdf.PdfReader(io.BytesIO(given.content)).pages
        text = page.extract_text()
        assert base64.b64encode(head.root).decode() in text
        assert all(word in text for word in words_of(head.root))
    for query, status in (("?size=999999", 404), ("?size=0", 400), ("?size=x", 400)):
        given = shared_client.get(f"/api/v1/logs/records/card{query}", headers=filled.headers(Scope.READ))
        assert given.status_code == status


def test_checkpoints_are_joined_by_consistency_proofs(filled: World, shared_client: TestClient[Any]) -> None:
    latest = read(shared_client, filled, "/api/v1/logs/records/checkpoints/latest")
    opened = open_checkpoint(latest["checkpoint"].encode(), f"{ORIGIN}/records", [key(shared_client, "records")])
    new = opened.checkpoint
    old_size = next(
        size
        for size in range(1, new.size)
        if shared_client.get(
            f"/api/v1/logs/records/checkpoints/{size}", headers=filled.headers(Scope.READ)
        ).status_code == 200
    )  # fmt: skip
    note = read(shared_client, filled, f"/api/v1/logs/records/checkpoints/{old_size}")["checkpoint"]
    old = open_checkpoint(note.encode(), f"{ORIGIN}/records", [key(shared_client, "records")]).checkpoint
    proof = read(shared_client, filled, f"/api/v1/logs/records/consistency?old={old.size}&new={new.size}")
    hashes = [base64.b64decode(one) for one in proof["hashes"]]
    verify_consistency(old.size, new.size, old.root, new.root, hashes)


@pytest.mark.parametrize("sizes", ["old=5&new=4", "old=0&new=1", "old=1&new=999999", "old=1", "old=a&new=b"])
def test_sizes_out_of_order_are_refused(filled: World, shared_client: TestClient[Any], sizes: str) -> None:
    answer = shared_client.get(f"/api/v1/logs/records/consistency?{sizes}", headers=filled.headers(Scope.READ))
    assert answer.status_code == 400


def tile(client: TestClient[Any], world: World, path: str) -> Any:
    return client.get(f"/logs/records/{path}", headers=world.headers(Scope.TILES))


def test_tiles_are_those_of_the_tree_and_bundles_hold_its_leaves(filled: World, shared_client: TestClient[Any]) -> None:
    note = tile(shared_client, filled, "checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "private, max-age=2"
    head = open_checkpoint(note.content, f"{ORIGIN}/records", [key(shared_client, "records")]).checkpoint
    width = head.size - 256
    full, partial = tile(shared_client, filled, "tile/0/000"), tile(shared_client, filled, f"tile/0/001.p/{width}")
    leaves = decode_bundle(tile(shared_client, filled, "tile/entries/000").content, 256)
    leaves += decode_bundle(tile(shared_client, filled, f"tile/entries/001.p/{width}").content, width)
    assert [json.loads(leaf)["index"] for leaf in leaves] == list(range(head.size))
    assert full.content + partial.content == b"".join(hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves)
    assert "immutable" in full.headers["cache-control"]
    assert tile(shared_client, filled, "tile/1/000.p/1").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["tile/0/000.p/255", "tile/0/001", "tile/0/001.p/1", "tile/0/002.p/1", "tile/2/000.p/1", "tile/1/000.p/2",
     "tile/entries/001", "tile/entries/001.p/1", "tile/0/0", "tile/0/000.p/256", "tile/64/000",
     "tile/0/x000/000", "tile/data/000", "tile/00/000", "tile/0/000.p/01"],
)  # fmt: skip
def test_no_tile_is_served_that_no_published_checkpoint_implies(
    filled: World, shared_client: TestClient[Any], path: str
) -> None:
    assert tile(shared_client, filled, path).status_code == 404


def test_what_is_appended_after_the_last_checkpoint_is_in_no_tile(client: TestClient[Any], world: World) -> None:
    world.service.publisher.publish_all()
    headers = world.headers(Scope.TILES)
    size = int(client.get("/logs/records/checkpoint", headers=headers).text.splitlines()[1])
    assert client.get(f"/logs/records/tile/0/000.p/{size}", headers=headers).status_code == 200
    client.post(
        f"/api/v1/sources/{SOURCE}/runs", content=json.dumps(run([submission(1)])), headers=world.headers(Scope.INGEST)
    )
    for width in (size + 1, size + 2):
        assert client.get(f"/logs/records/tile/0/000.p/{width}", headers=headers).status_code == 404
        assert client.get(f"/logs/records/tile/entries/000.p/{width}", headers=headers).status_code == 404
    world.service.publisher.publish_all()
    assert client.get(f"/logs/records/tile/0/000.p/{size}", headers=headers).status_code == 200
    assert client.get(f"/logs/records/tile/0/000.p/{size + 2}", headers=headers).status_code == 200
