"""Answers agents over an MQTT 5 broker between the zones, by the very code that answers them over HTTP.

The broker is trusted with nothing: it may drop, double, reorder, hold back, replay and make up what it likes. Whoever
asks is known by the signature in the letter, and a batch by its own. Nothing is left at the broker: the session ends
with the connection, and an agent that was not answered asks again from its spool.
"""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from secrets import token_hex
from typing import Final

import mqtt5
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from collectors.ot.mqtt_session import Access, Back, Session, Wanted
from collectors.runner import Patience
from ledger.agents.broker_state import BrokerWatch
from ledger.api import agent_calls as calls
from ledger.api.context import record_log
from ledger.api.deliveries import MAX_BATCH
from ledger.api.problems import problem_of
from ledger.core import letter
from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import AccessDenied, InvalidEntry, LedgerError, SchemaViolation, SignatureInvalid
from ledger.core.hashing import unb64
from ledger.core.letter import Asked, Letter, Question
from ledger.people.kinds import SecuritySort
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.settings import AgentBroker

AT_ONCE: Final = 8
"""Letters that are worked on at once: more wait at the broker, and with that at the agents."""
EXPIRES_S: Final = 60
_LOOK_S: Final = 0.5
_BUSY_LOOK_S: Final = 0.002
"""Seconds until a finished answer goes out while others are worked on."""
_PATIENCE: Final = Patience(attempts=None, first=0.5, longest=30.0)
_letters = msgspec.json.Decoder(Letter)


class Sent(msgspec.Struct, frozen=True):
    """A message that was worked on: its packet id, if it has one, and what is answered on which topic."""

    packet: int | None
    topic: str = ""
    body: bytes = b""
    correlation: bytes | None = None


class BrokerPort:
    """The connection to the broker that the settings name; without one, nothing. Runs from `start` to `stop`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings.agents.broker
        self._watch = service.broker
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)

    def start(self) -> None:
        """Begins to connect, and does not wait for that: a broker that is away keeps nothing else from working."""
        if self._settings is not None:
            self._thread.start()

    def stop(self) -> None:
        """Ends it; letters that are worked on are given time."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        assert self._settings is not None
        with ThreadPoolExecutor(AT_ONCE, "letter") as workers:
            while not self._stopped.is_set():
                attempts = Retrying(
                    retry=retry_if_exception_type(LedgerError),
                    wait=_PATIENCE.wait,
                    stop=lambda _state: self._stopped.is_set(),
                    sleep=self._pause,
                    before_sleep=self._report,
                    retry_error_callback=lambda _state: None,
                )
                attempts(self._connection, self._settings, workers)
                self._pause(_PATIENCE.first)

    def _connection(self, settings: AgentBroker, workers: ThreadPoolExecutor) -> None:
        """One connection, to its end; raises LedgerError if none came about."""
        folder = self._service.folder
        access = Access(
            url=settings.url,
            client_id=f"trailseal-{token_hex(8)}",
            ca=str(folder / settings.ca) if settings.ca else "",
            certificate=str(folder / settings.certificate),
            key=str(folder / settings.key) if settings.key else "",
            window=AT_ONCE,
            biggest=MAX_BATCH,
        )
        with Session(access, clean=True) as session:
            session.subscribe([Wanted(letter.up(settings.prefix, "+"), 1)])
            self._watch.connected()
            try:
                self._serve(session, settings.prefix, workers)
            except LedgerError as error:
                self._watch.lost(str(error))

    def _serve(self, session: Session, prefix: str, workers: ThreadPoolExecutor) -> None:
        desk = Desk(self._service, prefix, self._watch)
        done: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        working = 0
        while working or not self._stopped.is_set():
            # Once it ends, what is worked on is answered, and nothing more is read.
            wait = _BUSY_LOOK_S if working else _LOOK_S
            arrived = [] if self._stopped.is_set() else session.receive(wait)
            for message in arrived:
                working += 1
                if isinstance(message, mqtt5.PublishPacket) and not message.payload:
                    done.put(Sent(message.packet_id if int(message.qos) else None))  # an agent sees that we are here
                elif isinstance(message, mqtt5.PublishPacket):
                    workers.submit(_work, desk, message, done)
                else:
                    self._watch.count(unreadable=True)
                    done.put(Sent(message.packet_id if message.qos else None))
            while not done.empty() or (working and self._stopped.is_set()):
                sent = done.get()
                working -= 1
                if sent.body:
                    session.send(sent.topic, sent.body, Back(correlation=sent.correlation, expires_s=EXPIRES_S))
                if sent.packet is not None:
                    session.acknowledge([(sent.packet, 1)])

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _report(self, state: RetryCallState) -> None:
        self._watch.lost(str(state.outcome.exception() if state.outcome else ""))


def _work(desk: "Desk", message: mqtt5.PublishPacket, done: queue.SimpleQueue[Sent]) -> None:
    done.put(desk.handle(message))


class Desk:
    """Answers letters. Safe to use from any number of threads; whatever comes, it never raises."""

    def __init__(self, service: Service, prefix: str, watch: BrokerWatch) -> None:
        self._service = service
        self._prefix = prefix
        self._watch = watch

    def handle(self, message: mqtt5.PublishPacket) -> Sent:
        """The answer to a message; an empty one where nobody can be answered."""
        packet = message.packet_id if int(message.qos) else None
        try:
            found = self.answer(message.topic, bytes(message.payload))
        except Exception as error:
            problem_of(error)  # logged there: a defect in one letter ends no connection
            found = None
        if found is None:
            return Sent(packet)
        topic, body = found
        return Sent(packet, topic, body, message.correlation_data)

    def answer(self, topic: str, payload: bytes) -> tuple[str, bytes] | None:
        """Where to answer and what; None for what is no letter, or of a log that answers nobody.

        The topic is the agent's own, whatever topic the message asks to be answered on.
        """
        service = self._service
        agent = topic.removeprefix(f"{self._prefix}/").removesuffix("/up")
        try:
            told = _letters.decode(payload)
            target = record_log(service, told.question.log)
        except (msgspec.DecodeError, UnicodeError, LedgerError):
            self._watch.count(unreadable=True)
            service.people.security.note(SecuritySort.AGENT_REFUSED)
            return None
        if "/" in agent or not service.keys.has_receipt_key(target.log.name):
            self._watch.count(unreadable=True)
            return None
        status = letter.OK
        try:
            body = msgspec.json.encode(self._work(agent, target, told))
        except Exception as error:
            problem = problem_of(error)
            status, body = problem.status, msgspec.json.encode(problem)
        self._watch.count(refused=status != letter.OK)
        signer = service.keys.receipt_key(target.log.name)
        at = utc_text(service.clock.now_us())
        try:
            written = letter.write_answer(told.question, status, body, at, target.log.origin, signer)
        except InvalidEntry:  # text that has no canonical form: no key can have signed it
            return None
        return letter.down(self._prefix, agent), written

    def _work(self, agent: str, target: RecordLog, told: Letter) -> msgspec.Struct:
        question, service = told.question, self._service
        self._require_signed(agent, target, told)
        fresh = self._fresh(question)
        found: msgspec.Struct
        if question.what is Asked.BATCH:
            if told.batch is None:
                raise SchemaViolation("the letter holds no batch")
            found = calls.take(service, target, agent, told.batch)
        elif question.what is Asked.STANDING:
            found = calls.standing(service, target, agent)
        elif question.what is Asked.SOURCE:
            found = calls.source(service, target, agent, question.source or "")
        elif not fresh:
            # Else whoever kept an old request, and its key, had a certificate for it at any time.
            raise AccessDenied(
                f"the request for a certificate was made at {question.at}, by the ledger's time as the agent knew it",
                advice="It is asked again. If it stays so, see why messages take minutes on their way.",
            )
        else:
            found = calls.renew(service, agent, question.request or "")
        if fresh:
            target.silence.heard(agent)
        return found

    def _require_signed(self, agent: str, target: RecordLog, told: Letter) -> None:
        """Returns only if the agent of the topic, in use, signed the letter; refusals are counted."""
        service, question = self._service, told.question
        try:
            if question.agent != agent:
                raise AccessDenied(
                    f"the letter is of agent {question.agent!r}, the topic of {agent!r}",
                    advice="Ask on the agent's own topic.",
                )
            with service.store.reading() as connection:
                found = service.agents.standing(connection, agent)
            if found is None:
                raise AccessDenied(
                    f"agent {agent!r} is not in use",
                    advice="Have its key confirmed (`trailseal agent confirm`), or enrol it anew if it was revoked.",
                )
            try:
                letter.verify_letter(told, target.log.origin, unb64(found[0].public_key or "", 32))
            except (SignatureInvalid, InvalidEntry) as error:
                raise AccessDenied(f"a letter of agent {agent!r}: {error.message}") from None
        except AccessDenied:
            service.people.security.note(SecuritySort.AGENT_REFUSED)
            raise

    def _fresh(self, question: Question) -> bool:
        """Whether the question was made just now: an older one may be a replay, and proves no life."""
        return abs(self._service.clock.now_us() - parse_utc(question.at)) <= letter.FRESH_S * 1_000_000
