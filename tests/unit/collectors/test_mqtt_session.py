"""What a broker may answer that the one at hand never does: bytes of the standard, sent by a peer on loopback."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import mqtt5
import pytest

from collectors.ot import mqtt_session
from collectors.ot.mqtt_check import check_broker
from collectors.ot.mqtt_session import Access, Session, Wanted
from collectors.ot.mqtt_wire import Version
from ledger.core.errors import CollectorError, FatalSource, RetriableSource

WELCOME = mqtt5.ConnAckPacket().write()


@contextmanager
def peer(*answers: bytes, version: Version = "5") -> Iterator[Access]:
    """Answers each packet that comes with the next bytes, and then only listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    for answer in answers:
                        if not connection.recv(65_536):
                            return
                        connection.sendall(answer)
                    while connection.recv(65_536):
                        pass
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        yield Access(url=f"mqtt://127.0.0.1:{port}", client_id="me", user="collector", password="p-17", version=version)
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (0x86, FatalSource, "user 'collector': BAD_USER_NAME_OR_PASSWORD"),
        (0x87, FatalSource, "user 'collector': NOT_AUTHORIZED"),
        (0x84, FatalSource, "UNSUPPORTED_PROTOCOL_VERSION"),
        (0x85, FatalSource, "CLIENT_ID_NOT_VALID"),
        (0x88, RetriableSource, "SERVER_UNAVAILABLE"),
        (0x97, RetriableSource, "QUOTA_EXCEEDED"),
    ],
)
def test_a_refused_connection_is_for_a_person_or_for_later(code: int, kind: type[CollectorError], words: str) -> None:
    answer = bytes((0x20, 3, 0, code, 0))
    with peer(answer) as access, pytest.raises(kind) as caught, Session(access):
        pass
    assert words in caught.value.message
    assert access.url in caught.value.message
    assert "p-17" not in caught.value.message + caught.value.advice


@pytest.mark.parametrize(
    ("version", "answer"),
    [("5", bytes((0x90, 4, 0, 1, 0, 0x87))), ("3.1.1", bytes((0x90, 3, 0, 1, 0x80)))],
)
def test_a_refused_topic_is_named(version: Version, answer: bytes) -> None:
    welcome = WELCOME if version == "5" else b"\x20\x02\x00\x00"
    with (
        peer(welcome, answer, version=version) as access,
        pytest.raises(FatalSource, match="secret/#"),
        Session(access) as session,
    ):
        session.subscribe([Wanted("secret/#", 1)])


def test_the_check_says_which_topic_is_refused_and_which_is_delivered_less_surely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_session, "_TIMEOUT", 0.5)
    answers = (bytes((0x90, 4, 0, 1, 0, 0x87)), bytes((0x90, 4, 0, 2, 0, 0)))
    with peer(WELCOME, *answers) as access:
        report = check_broker(access, [Wanted("secret/#", 1), Wanted("plant/#", 1)])
    checks = {check.name: check for check in report.checks}
    assert not checks["topic secret/#"].ok
    assert "NOT_AUTHORIZED" in checks["topic secret/#"].says
    assert not checks["topic plant/#"].ok
    assert "QoS 0 at most" in checks["topic plant/#"].says


def test_a_session_that_another_client_takes_is_for_a_person() -> None:
    taken = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER).write()
    with (
        peer(WELCOME + taken) as access,
        pytest.raises(FatalSource, match="client 'me' to another connection") as caught,
        Session(access) as session,
    ):
        session.receive(1)
    assert "client_id" in caught.value.advice


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(99),
        b"\x00\x00",
        WELCOME + b"\xff\xff\xff\xff\xff",
        WELCOME + b"\x36\x02aa",
    ],
)
def test_what_is_no_mqtt_is_said_and_tried_again(answer: bytes) -> None:
    with peer(answer) as access, pytest.raises(RetriableSource, match="is not MQTT 5"), Session(access) as session:
        session.receive(1)


def wait_in_vain(session: Session) -> None:
    session.ping()
    while True:
        session.receive(0.1)


def test_a_broker_that_gives_no_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_session, "_TIMEOUT", 0.2)
    with peer(b"") as access, pytest.raises(RetriableSource, match="no ConnAckPacket within"), Session(access):
        pass
    with (
        peer(WELCOME) as access,
        pytest.raises(RetriableSource, match="no answer to a ping"),
        Session(access) as session,
    ):
        wait_in_vain(session)


def test_a_sign_of_life_is_given_as_often_as_the_broker_wants_it() -> None:
    welcome = mqtt5.ConnAckPacket(server_keep_alive=1).write()
    with peer(welcome, mqtt5.PingRespPacket().write()) as access, Session(access) as session:
        for _ in range(12):
            session.receive(0.1)
        assert session.pongs == 1


def test_a_release_of_qos_2_is_completed_also_for_a_message_that_nobody_knows_any_more() -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(10)
                connection.recv(65_536)
                connection.sendall(WELCOME + mqtt5.PubRelPacket(9).write())
                received.append(connection.recv(65_536))

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        with Session(Access(url=url, client_id="me")) as session:
            session.receive(1)
            thread.join(10)
    assert received == [mqtt5.PubCompPacket(9).write()]
