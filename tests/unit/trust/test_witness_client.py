import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ledger.core.checkpoint import Checkpoint
from ledger.core.cosignature import CosignatureSigner
from ledger.core.errors import ConfigError
from ledger.core.note import NoteSigner, sign_note
from ledger.core.witnessing import (
    MAX_ANSWER,
    AddCheckpoint,
    WitnessConflict,
    WitnessElsewhere,
    WitnessRefused,
    WitnessUnreachable,
    monitoring_path,
)
from ledger.trust.witness.client import WitnessClient
from tests.support.http_peer import Asked, HttpPeer, Reply, as_json

HEAD = Checkpoint(origin="log.example/a", size=5, root=bytes(32))
REQUEST = AddCheckpoint(old=5, proof=(), note=sign_note(HEAD.text(), [NoteSigner(HEAD.origin, bytes(range(32)))]))
WITNESS = CosignatureSigner("witness.example/a", bytes(range(2, 34)))
LINE = WITNESS.sign(HEAD, 1764052864)


@pytest.fixture(scope="module")
def peer() -> Iterator[HttpPeer]:
    with HttpPeer(lambda _asked: Reply()) as one:
        yield one


@pytest.fixture
def client(peer: HttpPeer) -> Iterator[WitnessClient]:
    peer.asked.clear()
    one = WitnessClient(f"{peer.url}w/", WITNESS.verifier, 1.0)
    yield one
    one.close()


def test_the_request_is_sent_as_it_is_and_the_answer_is_verified(peer: HttpPeer, client: WitnessClient) -> None:
    peer.handler = lambda _asked: Reply(body=LINE.line.encode())
    assert client.add_checkpoint(REQUEST) == (LINE,)
    (asked,) = peer.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/w/add-checkpoint", REQUEST.encode())


@pytest.mark.parametrize(
    ("reply", "raised"),
    [
        (Reply(status=409, body=b"7\n", headers={"Content-Type": "text/x.tlog.size"}), WitnessElsewhere),
        (Reply(status=409), WitnessConflict),
        (Reply(status=422), WitnessConflict),
        (Reply(status=404), WitnessRefused),
        (Reply(body=LINE.line.encode()[:-1]), WitnessRefused),
        (Reply(status=429), WitnessUnreachable),
        (Reply(status=503), WitnessUnreachable),
        (Reply(status=307, headers={"Location": "/elsewhere"}), WitnessUnreachable),
        (Reply(body=b"x" * (MAX_ANSWER + 1)), WitnessUnreachable),
    ],
)
def test_every_other_answer_is_an_error_of_its_kind(
    peer: HttpPeer, client: WitnessClient, reply: Reply, raised: type[Exception]
) -> None:
    peer.handler = lambda _asked: reply
    with pytest.raises(raised) as told:
        client.add_checkpoint(REQUEST)
    assert told.type is raised
    assert len(peer.asked) == 1


def test_a_witness_that_does_not_answer_is_unreachable(peer: HttpPeer) -> None:
    asleep = threading.Event()

    def sleep(_asked: Asked) -> Reply:
        asleep.wait(5)
        return Reply(body=LINE.line.encode())

    peer.handler = sleep
    client = WitnessClient(peer.url, WITNESS.verifier, 0.1)
    with pytest.raises(WitnessUnreachable, match="ReadTimeout"):
        client.add_checkpoint(REQUEST)
    asleep.set()
    gone = WitnessClient("http://127.0.0.1:1", WITNESS.verifier)
    for ask in (lambda: gone.add_checkpoint(REQUEST), lambda: gone.checkpoint(HEAD.origin), gone.about):
        with pytest.raises(WitnessUnreachable, match="ConnectError"):
            ask()
    with pytest.raises(ConfigError):
        WitnessClient("127.0.0.1:1", WITNESS.verifier)


def test_an_answer_that_comes_by_drops_is_not_waited_for() -> None:
    body = LINE.line.encode()

    def drip(listening: socket.socket) -> None:
        peer, _ = listening.accept()
        with peer, contextlib.suppress(OSError):
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
            for byte in body:
                peer.sendall(bytes([byte]))
                time.sleep(0.01)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        dripping = threading.Thread(target=drip, args=(listening,))
        dripping.start()
        client = WitnessClient(f"http://127.0.0.1:{listening.getsockname()[1]}", WITNESS.verifier, 0.2)
        with pytest.raises(WitnessUnreachable, match="no end"):
            client.add_checkpoint(REQUEST)
        client.close()
        dripping.join()


def test_what_is_shown_of_a_log_is_asked_by_the_digest_of_its_origin(peer: HttpPeer, client: WitnessClient) -> None:
    peer.handler = lambda asked: (
        Reply(body=b"note") if monitoring_path(HEAD.origin) in asked.path else Reply(status=404)
    )
    assert client.checkpoint(HEAD.origin) == b"note"
    assert client.checkpoint("another") is None
    peer.handler = lambda _asked: Reply(status=403)
    with pytest.raises(WitnessRefused):
        client.checkpoint(HEAD.origin)


def test_the_statement_of_a_witness_is_read_or_refused(peer: HttpPeer, client: WitnessClient) -> None:
    stated = {
        "name": "w",
        "vkeys": ["k"],
        "operator": "QA",
        "administrator": "IT",
        "host": "h",
        "identity_provider": "-",
    }
    peer.handler = lambda _asked: as_json({**stated, "added_later": 1})
    assert client.about().operator == "QA"
    for wrong in (b"", b"{}", json.dumps({**stated, "operator": 1}).encode()):
        peer.handler = lambda _asked, wrong=wrong: Reply(body=wrong)  # type: ignore[misc]
        with pytest.raises(WitnessRefused):
            client.about()
