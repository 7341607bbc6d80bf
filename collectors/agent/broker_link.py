"""The agent's way to its ledger over an MQTT 5 broker: signed both ways, as the broker is trusted with nothing.

One question is under way at a time. Nothing is kept at the broker: what nobody took expires with the wait for its
answer, and the spool has it. An answer counts only if the log's receipt key signed it for this very question.
"""

import secrets
import time
from typing import Final, TypeVar

import mqtt5
import msgspec

from collectors.agent.config import AgentConfig
from collectors.agent.identity import Identity, make_request
from collectors.http_sink import problem_in
from collectors.ot.mqtt_session import Access, Back, Incoming, Session, Wanted
from ledger.core import letter
from ledger.core.batch import SignedBatch, SignedReceipt, batch_digest
from ledger.core.clock import WallClock, parse_utc, utc_text
from ledger.core.enrolment import Certificate, Standing
from ledger.core.errors import ConfigError, InvalidEntry, LedgerError, RetriableSource, SignatureInvalid
from ledger.core.letter import Answer, Asked, Question, SignedAnswer
from ledger.core.run import SourceState
from ledger.core.times import Clock

T = TypeVar("T")

_PROBE_S: Final = 5.0
"""Seconds without an answer after which the agent looks whether the ledger is still there."""
BIGGEST_ANSWER: Final = 8 * 1024 * 1024
_HEAD_ROOM: Final = 1024
"""Bytes that a message takes besides its body: topics, properties."""
_WINDOW: Final = 16
_answer = msgspec.json.Decoder(SignedAnswer)


class _Announced(msgspec.Struct, frozen=True):
    receipt_keys: tuple[str, ...] = ()


class BrokerLink:
    """Asks the ledger over a broker (`agent.link.Link`). Use from one thread; trouble is RetriableSource or as told."""

    def __init__(self, config: AgentConfig, identity: Identity, clock: WallClock) -> None:
        """Raises ConfigError for an address that is no broker's over TLS."""
        self._identity = identity
        self._clock = clock
        self._prefix = config.broker.prefix
        self._answer_s = config.broker.answer_s
        ca = config.broker.ca
        self._access = Access(
            url=config.server,
            client_id=identity.name,
            ca=str(identity.folder / ca) if ca else "",
            certificate=str(identity.tls_file),
            window=_WINDOW,
            biggest=BIGGEST_ANSWER,
        )
        if not self._access.encrypted:
            raise ConfigError(f"{config.server!r} is no address of a broker", advice="It begins with mqtts://")
        _ = self._access.place
        self._session: Session | None = None
        self.offset: Clock | None = None
        """The ledger's clock against ours, as its last answer told."""

    def standing(self) -> Standing:
        """Where the agent's epoch stands in the ledger."""
        return self._read(self._ask(Asked.STANDING), Standing)

    def state(self, source: str) -> SourceState:
        """Where one of its sources stands in the ledger."""
        return self._read(self._ask(Asked.SOURCE, source=source), SourceState)

    def deliver(self, batch: SignedBatch) -> SignedReceipt:
        """Hands a batch over; the same batch again gets the same receipt."""
        return self._read(self._ask(Asked.BATCH, batch=batch), SignedReceipt)

    def renew(self) -> None:
        """Gets a certificate for a new TLS key; it is used from the next connection on."""
        key, request = make_request(self._identity.name)
        made = self._read(self._ask(Asked.CERTIFICATE, request=request), Certificate)
        self._identity.keep_certificate(key, made.certificate)
        self.close()

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.__exit__(None, None, None)

    def _ask(
        self, what: Asked, source: str | None = None, request: str | None = None, batch: SignedBatch | None = None
    ) -> bytes:
        enrolled = self._identity.enrolled
        began, start = self._clock.now_us(), time.monotonic()
        question = Question(
            agent=enrolled.agent,
            key=self._identity.key,
            log=enrolled.log,
            what=what,
            nonce=secrets.token_hex(letter.NONCE_SIZE),
            at=utc_text(began + (self.offset.offset_us if self.offset else 0)),
            source=source,
            request=request,
            batch=None if batch is None else batch_digest(batch.header),
        )
        body = letter.write_letter(question, batch, enrolled.origin, self._identity.seed)
        try:
            answer, content = self._exchange(question, body)
        except LedgerError:
            self.close()
            raise
        self._measure(answer, began, int((time.monotonic() - start) * 1e6))
        if answer.status != letter.OK:
            raise problem_in(answer.status, content)
        return content

    def _exchange(self, question: Question, body: bytes) -> tuple[Answer, bytes]:
        """Sends the question, and waits for the answer to it; what else comes there is nobody's."""
        session = self._connected()
        most = session.answer.max_packet_size
        if most is not None and len(body) + _HEAD_ROOM > most:
            raise RetriableSource(
                f"a batch takes {len(body)} bytes, and the broker at {self._access.url} takes {most} at once",
                advice="Raise the broker's limit for a packet (mosquitto: max_packet_size).",
            )
        back = Back(
            topic=letter.down(self._prefix, question.agent),
            correlation=bytes.fromhex(question.nonce),
            expires_s=max(1, int(self._answer_s)),
        )
        topic = letter.up(self._prefix, question.agent)
        self._require_ledger(session.deliver(topic, body, back))
        until, strange = time.monotonic() + self._answer_s, 0
        while (left := until - time.monotonic()) > 0:
            arrived = session.receive(min(left, _PROBE_S))
            for message in arrived:
                if message.packet_id is not None and message.qos:
                    session.acknowledge([(message.packet_id, int(message.qos))])
                found = self._answers(question, message)
                if found is not None:
                    return found
                strange += 1
            if not arrived:  # an empty message tells whether anybody is there still
                self._require_ledger(session.deliver(topic, b"", Back(expires_s=1)))
        more = f"; {strange} messages came that are no answer of the ledger to it" if strange else ""
        raise RetriableSource(
            f"the ledger behind the broker at {self._access.url} did not answer within {self._answer_s:.0f} s{more}",
            advice="Check that the ledger runs and may publish at the broker; what is spooled is kept.",
        )

    def _require_ledger(self, heard: bool) -> None:
        if not heard:
            raise RetriableSource(
                f"no ledger listens at the broker at {self._access.url}",
                advice="See that `trailseal serve` runs and has [agents.broker] in its settings. The spool is kept.",
            )

    def _answers(self, question: Question, message: Incoming) -> tuple[Answer, bytes] | None:
        if not isinstance(message, mqtt5.PublishPacket):
            return None
        try:
            signed = _answer.decode(message.payload)
            answer = letter.verify_answer(signed, question, self._identity.origin, self._key(question, signed.body))
        except (msgspec.DecodeError, UnicodeError, SignatureInvalid, InvalidEntry):
            return None
        return answer, signed.body

    def _key(self, question: Question, body: bytes) -> bytes:
        """The public key that has to have signed the answer. Where the agent stands is told with the keys that took
        over since: one counts if those that are known handed over to it, whoever brings the word.
        """
        if question.what is not Asked.STANDING:
            return self._identity.receipt_key
        try:
            announced = msgspec.json.decode(body, type=_Announced).receipt_keys
        except msgspec.DecodeError:  # a refusal, in words
            return self._identity.receipt_key
        return self._identity.successor(announced).public_key

    def _connected(self) -> Session:
        if self._session is not None and self._session.idle:
            self.close()  # the broker may have done so: nobody listened meanwhile
        if self._session is None:
            session = Session(self._access, clean=True)
            session.__enter__()
            self._session = session
            session.subscribe([Wanted(letter.down(self._prefix, self._identity.name), 1)])
        return self._session

    def _measure(self, answer: Answer, began_us: int, took_us: int) -> None:
        self.offset = Clock(
            offset_us=parse_utc(answer.at) - (began_us + took_us // 2),
            uncertainty_us=took_us // 2 + 1,
            measured_at=utc_text(began_us + took_us),
            method="signed-answer",
        )

    def _read(self, content: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"the ledger behind the broker at {self._access.url} answers otherwise than this agent understands: "
                f"{error}",
                advice="Bring agent and ledger to the same version.",
            ) from None
