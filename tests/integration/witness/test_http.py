"""A witness over HTTP on loopback: every row of the specification's table, its worked example, and its limits."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from litestar.testing import TestClient
from structlog.testing import capture_logs

from ledger.core.checkpoint import Checkpoint, open_checkpoint
from ledger.core.cosignature import parse_verifier
from ledger.core.errors import ConfigError, SignatureInvalid
from ledger.core.hashing import b64, leaf_hash
from ledger.core.merkle import inclusion_proof
from ledger.core.note import Note, NoteSigner, VerifierKey, parse_note
from ledger.core.policy import Policy
from ledger.core.proof import TlogProof
from ledger.core.witnessing import (
    AddCheckpoint,
    Head,
    WitnessConflict,
    WitnessElsewhere,
    WitnessRefused,
    WitnessUnreachable,
    monitoring_path,
)
from ledger.trust.witness import app as witness_app
from ledger.trust.witness.acting import Witness
from ledger.trust.witness.app import create_app
from ledger.trust.witness.client import WitnessClient
from ledger.trust.witness.folder import WitnessFolder
from ledger.trust.witness.serving import WitnessServer, tls_context
from tests.property.core.naive import NaiveReader, root
from tests.shared import format_examples
from tests.support.certificates import Authority
from tests.support.ledgers import MovableClock
from tests.support.witnessing import NAME, ShownLog, made_witness, own_keys

TIME = 1764052864
EXAMPLE = "ledger.example/site-a"
EXAMPLE_KEY = "witness.example/qa+fe9f55f8+BKw1g5nPW+/5QHhZryxcegFtAONxBP8a1Zg5DUF4bvLn"
AT_ONCE = 3


class Site:
    """The served witness, whose key is that of the worked example; each test brings a log of its own."""

    def __init__(self, folder: WitnessFolder, server: WitnessServer, http: httpx.Client) -> None:
        self.folder = folder
        self.http = http
        self.verifier = own_keys(folder)[0]
        self.client = WitnessClient(server.address, self.verifier, 20)

    def knows(self, name: str, at: int = 0) -> ShownLog:
        log = ShownLog(f"log.example/{name}")
        self.folder.states.add(log.origin, [log.signer.verifier], log.head(at))
        return log

    def post(self, request: AddCheckpoint | bytes) -> tuple[int, str, bytes]:
        data = request if isinstance(request, bytes) else request.encode()
        answer = self.http.post("/add-checkpoint", content=data)
        return answer.status_code, answer.headers["content-type"], answer.content


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("witness") / "w"
    first = made_witness(folder, ShownLog("log.example/first"), at_once=AT_ONCE)
    assert first.settings.name == NAME
    (folder / "keys" / "ed25519.key").write_text(b64(sha256(b"example witness key").digest()))
    settings = folder / "witness.json"
    settings.write_text(settings.read_text().replace(str(own_keys(first)[0]), EXAMPLE_KEY))
    witness = WitnessFolder(folder)
    with (
        WitnessServer(witness, MovableClock(TIME * 1_000_000)) as server,
        httpx.Client(base_url=server.address, trust_env=False, timeout=20) as http,
    ):
        yield Site(witness, server, http)


def test_the_worked_example_is_answered_byte_for_byte(site: Site) -> None:
    examples = format_examples()
    policy = Policy.parse(examples["pol"])
    roots = dict(line.split(" ") for line in examples["roots"].splitlines())
    head = Head(size=3, root=bytes.fromhex(roots["3"]))
    site.folder.states.add(EXAMPLE, policy.log_keys(EXAMPLE), head)
    assert site.post(examples["req"].encode()) == (200, "text/plain; charset=utf-8", examples["resp"].encode())
    assert site.post(examples["req"].encode()) == (409, "text/x.tlog.size", b"5\n")
    shown = site.http.get("/fda1876b247f16dacfe0ba73a443e1d6dda4eff0f649035566903081e1a66bf3/checkpoint")
    assert (shown.status_code, shown.content) == (200, (examples["note"] + examples["resp"]).encode())
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert policy.open(shown.content).checkpoint.size == 5
    bundle = TlogProof.parse(examples["proof"].encode())
    assert bundle.checkpoint == shown.content


def test_every_row_of_the_table_is_answered_with_its_status(site: Site) -> None:
    log = site.knows("table", at=4)
    stranger = ShownLog("log.example/unknown")
    empty = site.knows("empty")
    no_tree = AddCheckpoint(
        old=0,
        proof=(),
        note=Note(
            text=(text := Checkpoint(origin=empty.origin, size=0, root=bytes(32)).text()),
            signatures=(empty.signer.sign(text),),
        ).encode(),
    )
    failing = Note(text=log.checkpoint(9).text(), signatures=(log.signer.sign(log.checkpoint(8).text()),)).encode()
    rows: list[tuple[int, AddCheckpoint | bytes]] = [
        (400, b""),
        (400, b"old 4\n\n"),
        (400, b"old four\n\n" + log.note(9)),
        (400, b"x" * 20_000),
        (404, stranger.request(0, 5)),
        (403, log.request(4, 9, stranger.signer)),
        (403, AddCheckpoint(old=4, proof=log.request(4, 9).proof, note=failing)),
        (400, log.request(10, 9)),
        (409, log.request(3, 9)),
        (409, log.request(0, 9)),
        (422, no_tree),
        (422, AddCheckpoint(old=0, proof=(bytes(32),), note=empty.note(5))),
        (422, AddCheckpoint(old=4, proof=log.request(4, 9).proof[:-1], note=log.note(9))),
        (422, log.request(4, 9, fork=(2, "x"))),
        (422, log.request(4, 4, fork=(2, "x"))),
        (200, log.request(4, 4)),
        (200, log.request(4, 9)),
        (409, log.request(4, 9)),
        (200, empty.request(0, 0)),
        (200, empty.request(0, 5)),
    ]
    for number, (status, request) in enumerate(rows):
        answered, media_type, body = site.post(request)
        assert answered == status, (number, body)
        assert media_type == ("text/x.tlog.size" if status == 409 else "text/plain; charset=utf-8")
        assert body.endswith(b"\n")
        if status == 409:
            assert body == (b"9\n" if number > 15 else b"4\n")


def test_a_log_learns_the_last_size_and_goes_on_from_there(site: Site) -> None:
    log = site.knows("learning", at=3)
    with pytest.raises(WitnessElsewhere) as elsewhere:
        site.client.add_checkpoint(log.request(0, 7))
    (line,) = site.client.add_checkpoint(log.request(elsewhere.value.size, 7))
    note = log.note(7) + line.line.encode()
    assert site.client.checkpoint(log.origin) == note
    signed = open_checkpoint(note, log.origin, [log.signer.verifier], witnesses=[site.verifier])
    assert signed.checkpoint == log.checkpoint(7)


def test_a_fork_is_a_conflict_and_a_stranger_is_refused(site: Site) -> None:
    log = site.knows("forking", at=3)
    site.client.add_checkpoint(log.request(3, 7))
    for size in (7, 9):
        with pytest.raises(WitnessConflict):
            site.client.add_checkpoint(log.request(7, size, fork=(5, "x")))
    for request, status in (
        (ShownLog("log.example/unknown").request(0, 3), 404),
        (log.request(7, 9, NoteSigner(log.origin, bytes(32))), 403),
    ):
        with pytest.raises(WitnessRefused) as refused:
            site.client.add_checkpoint(request)
        assert refused.value.status == status
    assert site.client.checkpoint("log.example/unknown") is None


def test_another_key_than_the_pinned_one_is_not_believed(site: Site) -> None:
    log = site.knows("pinned")
    other = made_key("another")
    client = WitnessClient(str(site.http.base_url), other)
    with pytest.raises(WitnessRefused, match="do not verify"):
        client.add_checkpoint(log.request(0, 3))


def made_key(secret: str) -> VerifierKey:
    return NoteSigner(NAME, sha256(secret.encode()).digest()).verifier


def test_of_views_sent_at_once_one_is_cosigned(site: Site) -> None:
    log = site.knows("racing", at=4)
    requests = [log.request(4, 9, fork=(6, f"view {number}")) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = sorted(status for status, _, _ in pool.map(site.post, requests))
    assert answers == [200] + [409] * (AT_ONCE - 1)


def test_more_at_once_than_it_takes_on_is_too_many(site: Site) -> None:
    log = site.knows("waiting")
    with ThreadPoolExecutor(AT_ONCE + 1) as pool:
        with site.folder.states.locked(log.origin):
            asked = [pool.submit(site.post, log.request(0, 3)) for _ in range(AT_ONCE + 1)]
            answer = next(as_completed(asked, timeout=20)).result()
            assert answer[0] == 429
            with pytest.raises(WitnessUnreachable, match="429"):
                site.client.add_checkpoint(log.request(0, 3))
        assert sorted(one.result()[0] for one in asked) == [200, 409, 409, 429]


def test_what_does_not_arrive_in_time_is_malformed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_app, "BODY_SECONDS", 0.05)
    url = site.http.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=20) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 100\r\n\r\nold 0")
        assert slow.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_a_request_that_is_too_long_is_refused_before_the_rest_of_it_comes(site: Site) -> None:
    url = site.http.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=20) as long:
        long.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 20_000)
        answer = long.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b"more than 16384 bytes\n")


def test_what_it_states_of_itself_is_shown(site: Site) -> None:
    answer = site.http.get("/about")
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == {
        "name": NAME,
        "vkeys": [EXAMPLE_KEY],
        "operator": "Quality Assurance",
        "administrator": "QA systems",
        "host": "qa-1",
        "identity_provider": "",
    }
    assert [parse_verifier(key) for key in site.client.about().vkeys] == [site.verifier]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/add-checkpoint", 405),
        ("POST", "/about", 405),
        ("GET", "/", 404),
        ("GET", f"/{'0' * 64}/checkpoint", 404),
        ("GET", "/logs/checkpoint", 404),
        ("GET", "/%2e%2e/checkpoint", 404),
        ("GET", "/..%2flogs/checkpoint", 404),
        ("GET", "/schema", 404),
    ],
)
def test_there_is_nothing_else(site: Site, method: str, path: str, status: int) -> None:
    answer = site.http.request(method, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_digest_is_written_in_one_way(site: Site) -> None:
    log = site.knows("shown")
    site.client.add_checkpoint(log.request(0, 3))
    path = monitoring_path(log.origin)
    assert site.http.get(f"/{path}").status_code == 200
    assert site.http.get(f"/{path.upper().replace('CHECKPOINT', 'checkpoint')}").status_code == 404


def test_a_proof_bundle_with_a_witnessed_checkpoint_verifies_offline_under_a_policy(site: Site) -> None:
    log = site.knows("proven")
    entries = [b"entry %d" % number for number in range(7)]
    leaves = [leaf_hash(entry) for entry in entries]
    text = Checkpoint(origin=log.origin, size=7, root=root(leaves)).text()
    note = Note(text=text, signatures=(log.signer.sign(text),)).encode()
    (line,) = site.client.add_checkpoint(AddCheckpoint(old=0, proof=(), note=note))
    policy = Policy.parse(f"log {log.signer.verifier}\nwitness qa {site.verifier}\nquorum qa\n")
    proof = TlogProof(
        index=3, hashes=tuple(inclusion_proof(3, 7, NaiveReader(leaves))), checkpoint=note + line.line.encode()
    )
    carried = TlogProof.parse(proof.encode())
    assert carried.verify(leaves[3], policy).checkpoint.size == 7
    stripped = TlogProof(index=3, hashes=proof.hashes, checkpoint=note)
    with pytest.raises(SignatureInvalid, match="quorum qa"):
        stripped.verify(leaves[3], policy)
    assert parse_note(carried.checkpoint).text == text


def test_over_tls_the_certificate_is_verified(tmp_path: Path) -> None:
    log = ShownLog()
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    folder = made_witness(tmp_path / "w", log)
    with WitnessServer(folder, MovableClock(), tls=tls_context(certificate, key)) as server:
        assert server.address.startswith("https://127.0.0.1:")
        (verifier,) = own_keys(folder)
        with pytest.raises(WitnessUnreachable, match="ConnectError"):
            WitnessClient(server.address, verifier).add_checkpoint(log.request(0, 3))
        client = WitnessClient(server.address, verifier, trusted_ca=authority.file)
        assert client.add_checkpoint(log.request(0, 3))
        client.close()
    with pytest.raises(ConfigError, match="no certificate"):
        tls_context(key, key)


def test_whoever_sends_what_is_no_logs_is_soon_not_listened_to(tmp_path: Path) -> None:
    log = ShownLog()
    folder = made_witness(tmp_path / "w", log, refusals=3)
    clock = MovableClock()
    app = create_app(Witness(folder.states, folder.signers, clock), folder.states, folder.settings, folder.about())
    with TestClient(app) as client:

        def ask(data: bytes) -> int:
            return client.post("/add-checkpoint", content=data).status_code

        good = [ask(log.request(0, 3).encode()) for _ in range(5)]
        assert good == [200, 409, 409, 409, 409], "a log's own requests count for nothing"
        assert [ask(b"x") for _ in range(5)] == [400, 400, 400, 429, 429]
        assert ask(log.request(3, 4).encode()) == 429
        desk: witness_app.Desk = app.state.desk
        desk._since -= witness_app.PERIOD_SECONDS
        assert ask(log.request(3, 4).encode()) == 200


def test_nothing_of_the_key_is_told(site: Site) -> None:
    seed = sha256(b"example witness key").digest()
    log = site.knows("telling")
    with capture_logs() as logged:
        for request in (
            log.request(0, 3),
            log.request(3, 3, fork=(1, "x")),
            log.request(3, 4, NoteSigner("x", seed)),
            b"x",
        ):
            site.post(request)
    assert [one["event"] for one in logged] == ["cosigned", "the log shows another view of itself", "refused"]
    told = f"{logged}{site.http.get('/about').text}"
    assert not any(secret in told for secret in (seed.hex(), b64(seed)[:20], repr(seed)[2:20]))
