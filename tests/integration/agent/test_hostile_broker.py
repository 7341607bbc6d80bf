"""A broker does what it can to messages: it keeps, doubles, reorders, replays and makes up; nothing comes of it."""

import random
import time
from collections.abc import Callable
from threading import Event, Thread

import mqtt5
import msgspec
import pytest

from collectors.agent.broker_link import BrokerLink
from collectors.agent.config import load
from collectors.agent.identity import make_request
from collectors.ot.mqtt_session import Session, Wanted
from ledger.agents.broker_state import BrokerWatch
from ledger.broker import Desk
from ledger.core import letter
from ledger.core.clock import SystemClock, utc_text
from ledger.core.enrolment import Certificate, Standing
from ledger.core.letter import Answer, Asked, Letter, Question, SignedAnswer
from tests.support.edge import Plant, Site
from tests.support.zone_broker import PREFIX, ZoneBroker

PATIENCE_S = 20.0
"""For an answer that has to come: a busy machine takes its time."""
UP, DOWN = f"{PREFIX}/edge1/up", f"{PREFIX}/edge1/down"


@pytest.fixture(scope="module")
def site(plant: Plant, broker: ZoneBroker) -> Site:
    made = plant.add("edge1", ["line1"])
    broker.use(made, answer_s=4.0)
    return made


@pytest.fixture(scope="module")
def other(plant: Plant, broker: ZoneBroker) -> Site:
    made = plant.add("edge2", ["line2"])
    broker.use(made)
    return made


def heard(session: Session, seconds: float, wanted: int = 0) -> list[tuple[str, bytes]]:
    """Topic and payload of what was delivered until nothing came for so long; so many are waited for longer."""
    found: list[tuple[str, bytes]] = []
    while arrived := session.receive(seconds if len(found) >= wanted else PATIENCE_S):
        for message in arrived:
            assert isinstance(message, mqtt5.PublishPacket)
            found.append((message.topic, bytes(message.payload)))
            if message.packet_id is not None:
                session.acknowledge([(message.packet_id, 1)])
    return found


@pytest.fixture(scope="module")
def kept(plant: Plant, broker: ZoneBroker, site: Site) -> list[tuple[str, bytes]]:
    """What went over the broker while an agent handed 600 lines over: the broker keeps all of it."""
    found: list[tuple[str, bytes]] = []
    stop = Event()

    def listen() -> None:
        with broker.rogue() as session:
            session.subscribe([Wanted(f"{PREFIX}/#", 1)])
            listening.set()
            while not stop.is_set():
                found.extend(heard(session, 0.2))

    listening = Event()
    thread = Thread(target=listen)
    thread.start()
    listening.wait(10)
    site.start()
    for _ in range(3):  # in batches of its own each time
        site.files["line1"].add(200)
        plant.all_there(site)
    site.until(lambda status: status.waiting <= 2)
    site.stop()
    stop.set()
    thread.join()
    assert [payload for topic, payload in found if topic == UP and b'"batch":{' in payload], "batches were kept"
    assert [payload for topic, payload in found if topic == DOWN and payload]
    return found


def unchanged(plant: Plant, work: Callable[[], None]) -> None:
    """The log of records is as it was, and the ledger still answers."""
    before = plant.deliveries("edge1")
    work()
    time.sleep(1.0)
    assert plant.deliveries("edge1") == before
    assert plant.numbers("line1") == list(range(600))


def test_letters_that_are_doubled_reordered_and_replayed_are_taken_once(
    plant: Plant, broker: ZoneBroker, kept: list[tuple[str, bytes]]
) -> None:
    letters = [payload for topic, payload in kept if topic == UP and payload]

    def replay() -> None:
        with broker.rogue() as session:
            session.subscribe([Wanted(DOWN, 1)])
            for payload in [*reversed(letters), *letters, *letters]:
                session.deliver(UP, payload)
            given = heard(session, 0.5, 3 * len(letters))
        answers = [msgspec.json.decode(payload, type=SignedAnswer).answer for _, payload in given]
        assert len(answers) == 3 * len(letters), "each is answered"
        # Over a connection, too, a batch that was taken gets its receipt again.
        assert {one.status for one in answers} == {letter.OK}

    unchanged(plant, replay)


def test_a_letter_on_another_agents_topic_is_refused(
    plant: Plant, broker: ZoneBroker, other: Site, kept: list[tuple[str, bytes]]
) -> None:
    letters = [payload for topic, payload in kept if topic == UP and payload]

    def misdirect() -> None:
        with broker.rogue() as session:
            session.subscribe([Wanted(f"{PREFIX}/edge2/down", 1)])
            for payload in letters:
                session.deliver(f"{PREFIX}/edge2/up", payload)
            given = heard(session, 0.5, len(letters))
        answers = [msgspec.json.decode(payload, type=SignedAnswer).answer for _, payload in given]
        assert {one.status for one in answers} == {403}
        assert plant.deliveries("edge2") == []

    unchanged(plant, misdirect)


def test_no_bytes_end_the_connection_or_become_a_record(
    plant: Plant, broker: ZoneBroker, kept: list[tuple[str, bytes]]
) -> None:
    rng = random.Random(20)
    letters = [payload for topic, payload in kept if topic == UP and b'"batch":{' in payload]

    def flipped() -> bytes:
        raw = bytearray(rng.choice(letters))
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        return bytes(raw)

    made_up = [b"\xff" * 9, b"{}", b"[" * 100_000, b'{"question":null}', letters[0][:-20], letters[0] + b"x"]
    made_up += [rng.randbytes(rng.randrange(1, 400)) for _ in range(100)] + [flipped() for _ in range(200)]

    def send() -> None:
        with broker.rogue() as session:
            for payload in made_up:
                assert session.deliver(UP, payload), "the ledger listens"
            session.subscribe([Wanted(DOWN, 1)])
            heard(session, 1.0)
            session.deliver(UP, letters[0])
            (answer,) = [payload for _, payload in heard(session, 0.5, 1)]
        assert msgspec.json.decode(answer, type=SignedAnswer).answer.status == letter.OK

    unchanged(plant, send)


def test_answers_that_are_made_up_or_were_kept_free_nothing_of_the_spool(
    plant: Plant, broker: ZoneBroker, site: Site, kept: list[tuple[str, bytes]]
) -> None:
    """The ledger is away, and the broker answers in its place with all the answers that it ever saw."""
    answers = [payload for topic, payload in kept if topic == DOWN and payload]
    plant.kill()
    stop, asked = Event(), []

    def pretend() -> None:
        with broker.rogue() as session:
            session.subscribe([Wanted(UP, 1)])
            while not stop.is_set():
                for _, payload in heard(session, 0.1):
                    asked.append(payload)
                    for one in (*answers, b"{}", b"\x00" * 40, _other_signature(answers[-1])):
                        session.deliver(DOWN, one)

    thread = Thread(target=pretend)
    thread.start()
    site.files["line1"].add(50)
    site.start()
    try:
        told = site.until(lambda status: "no answer of the ledger" in status.trouble)
        assert told.waiting, "nothing was freed"
    finally:
        stop.set()
        thread.join()
    assert asked
    plant.start()
    plant.all_there(site)
    numbers = [header["number"] for header in plant.deliveries("edge1")]
    assert numbers == list(range(1, len(numbers) + 1))
    site.stop()


def _other_signature(payload: bytes) -> bytes:
    signed = msgspec.json.decode(payload, type=SignedAnswer)
    raw = signed.signature[:5] + ("A" if signed.signature[5] != "A" else "B") + signed.signature[6:]
    return msgspec.json.encode(msgspec.structs.replace(signed, signature=raw))


class Asking:
    """Letters made with an agent's own key, laid on the ledger's desk as the broker would bring them."""

    def __init__(self, plant: Plant, site: Site) -> None:
        self._plant, self._site = plant, site

    def ask(self, what: Asked, *, late_s: float = 0.0, **members: object) -> tuple[Answer, bytes]:
        identity = self._site.identity
        with self._plant.opened() as service:
            question = Question(
                agent=str(members.pop("agent", identity.name)),
                key=identity.key,
                log=identity.enrolled.log,
                what=what,
                nonce="0" * 32,
                at=utc_text(service.clock.now_us() - int(late_s * 1e6)),
                **members,  # type: ignore[arg-type] # as the caller says
            )
            body = letter.write_letter(question, None, identity.enrolled.origin, identity.seed)
            desk = Desk(service, PREFIX, BrokerWatch(None, service.clock))
            found = desk.answer(f"{PREFIX}/{question.agent}/up", body)
        assert found is not None
        topic, raw = found
        assert topic == f"{PREFIX}/{question.agent}/down"
        signed = msgspec.json.decode(raw, type=SignedAnswer)
        return letter.verify_answer(signed, question, identity.origin, identity.receipt_key), signed.body


def test_an_old_question_is_answered_and_gets_no_certificate(plant: Plant, site: Site) -> None:
    """Who kept a request, and its key, would else have a certificate for it at any time."""
    asking, request = Asking(plant, site), make_request("edge1")[1]
    answer, body = asking.ask(Asked.STANDING, late_s=letter.FRESH_S + 60)
    assert (answer.status, msgspec.json.decode(body, type=Standing).agent) == (letter.OK, "edge1")
    late, _ = asking.ask(Asked.CERTIFICATE, late_s=letter.FRESH_S + 60, request=request)
    assert late.status == 403
    ahead, _ = asking.ask(Asked.CERTIFICATE, late_s=-letter.FRESH_S - 60, request=request)
    assert ahead.status == 403
    now, body = asking.ask(Asked.CERTIFICATE, request=request)
    assert now.status == letter.OK
    assert "BEGIN CERTIFICATE" in msgspec.json.decode(body, type=Certificate).certificate


def test_an_agent_asks_for_itself_alone(plant: Plant, site: Site, other: Site) -> None:
    answer, _ = Asking(plant, site).ask(Asked.STANDING, agent=other.name)
    assert answer.status == 403
    answer, _ = Asking(plant, site).ask(Asked.SOURCE, source="line2")
    assert answer.status == 403


def test_a_certificate_is_renewed_over_the_broker(plant: Plant, broker: ZoneBroker, site: Site) -> None:
    before = site.identity.certificate().serial_number
    link = BrokerLink(load(site.folder), site.identity, SystemClock())
    link.renew()
    assert site.identity.certificate().serial_number != before
    assert link.standing().agent == "edge1", "the new one is used from the next connection on"
    link.close()


def test_a_letter_names_its_batch_and_no_other(plant: Plant, kept: list[tuple[str, bytes]], site: Site) -> None:
    letters = [msgspec.json.decode(payload, type=Letter) for topic, payload in kept if topic == UP and payload]
    one, two = [found for found in letters if found.batch is not None][:2]
    mixed = msgspec.structs.replace(one, batch=two.batch)
    with plant.opened() as service:
        desk = Desk(service, PREFIX, BrokerWatch(None, service.clock))
        found = desk.answer(UP, msgspec.json.encode(mixed))
    assert found is not None
    assert msgspec.json.decode(found[1], type=SignedAnswer).answer.status == 403
