"""What an agent and its ledger say to each other over a broker that neither trusts: signed questions, signed answers.

Over HTTP each knows the other by TLS. TLS ends at a broker, so here both sign: the agent with its own key, the ledger
with the log's receipt key. An answer names its question, which holds a nonce: an answer that was kept back, doubled or
made up is told from the true one. `at` is the ledger's time as the agent knows it: what is old proves no life.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from ledger.core.batch import SIGNATURE_SIZE, KeyId, SignedBatch, batch_digest, key_id
from ledger.core.canonical import dumps
from ledger.core.enrolment import Pem
from ledger.core.errors import InvalidEntry, SignatureInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.note import SigningSecret
from ledger.core.record import Digest, Name
from ledger.core.statement import Purpose, sign_statement, verify_statement

NONCE_SIZE: Final = 16
FRESH_S: Final = 120
"""Seconds for which a question shows that its agent is alive, and a certificate is issued for it."""
OK: Final = 200
PREFIX: Final = "trailseal"
Nonce = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
Status = Annotated[int, msgspec.Meta(ge=OK, le=599)]
TopicPrefix = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", max_length=200)]


class Asked(StrEnum):
    """What a question is about."""

    STANDING = "standing"
    SOURCE = "source"
    BATCH = "batch"
    CERTIFICATE = "certificate"


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the agent asks: `source`'s state, a certificate for `request`, or to take the batch of this digest."""

    agent: Name
    key: KeyId
    log: Name
    what: Asked
    nonce: Nonce
    at: str
    source: Name | None = None
    request: Pem | None = None
    batch: Digest | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question as it travels, with the batch that it names."""

    question: Question
    signature: str
    batch: SignedBatch | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger signs: for which question, the body's SHA-256, its time. Statuses are those of HTTP."""

    agent: Name
    question: Digest
    status: Status
    body: Digest
    at: str


class SignedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer as it travels; `body` is the JSON that HTTP would have answered with, in base64 in this JSON."""

    answer: Answer
    signature: str
    body: bytes


def up(prefix: str, agent: str) -> str:
    """The topic on which an agent asks."""
    return f"{prefix}/{agent}/up"


def down(prefix: str, agent: str) -> str:
    """The topic on which it is answered."""
    return f"{prefix}/{agent}/down"


def write_letter(question: Question, batch: SignedBatch | None, origin: str, seed: bytes) -> bytes:
    """The letter's bytes, signed with the agent's key."""
    # No batch's header and no heartbeat has these members: none can pass for another.
    signature = sign_statement(Purpose.BATCH, origin, _payload(question), seed)
    return msgspec.json.encode(Letter(question=question, signature=b64(signature), batch=batch))


def verify_letter(letter: Letter, origin: str, public_key: bytes) -> None:
    """Returns only if the agent's key signed the question, and it names the batch that is there; SignatureInvalid."""
    question, batch = letter.question, letter.batch
    if question.key != key_id(public_key):
        raise SignatureInvalid(f"the question is signed with key {question.key}, not {key_id(public_key)}")
    _verify(Purpose.BATCH, question, letter.signature, origin, public_key)
    if question.batch != (None if batch is None else batch_digest(batch.header)):
        raise SignatureInvalid("the batch is not the one that the question names")


def question_digest(question: Question) -> str:
    """The digest by which an answer names its question."""
    return b64(sha256(dumps(_payload(question))).digest())


def write_answer(question: Question, status: int, body: bytes, at: str, origin: str, key: SigningSecret) -> bytes:
    """The answer's bytes, signed with the log's receipt key."""
    answer = Answer(
        agent=question.agent,
        question=question_digest(question),
        status=status,
        body=b64(sha256(body).digest()),
        at=at,
    )
    # No receipt has these members.
    signature = sign_statement(Purpose.RECEIPT, origin, _payload(answer), key)
    return msgspec.json.encode(SignedAnswer(answer=answer, signature=b64(signature), body=body))


def verify_answer(signed: SignedAnswer, question: Question, origin: str, public_key: bytes) -> Answer:
    """The answer, only if the log's receipt key signed it for exactly this question; raises SignatureInvalid."""
    answer = signed.answer
    _verify(Purpose.RECEIPT, answer, signed.signature, origin, public_key)
    if (answer.agent, answer.question) != (question.agent, question_digest(question)):
        raise SignatureInvalid("the answer is to another question")
    if answer.body != b64(sha256(signed.body).digest()):
        raise SignatureInvalid("the body is not the one that the answer's signature covers")
    return answer


def _payload(struct: Question | Answer) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(struct)
    return found


def _verify(purpose: Purpose, struct: Question | Answer, signature: str, origin: str, public_key: bytes) -> None:
    try:
        raw = unb64(signature, SIGNATURE_SIZE)
    except InvalidEntry as error:
        raise SignatureInvalid(f"this is no signature: {error}") from None
    verify_statement(purpose, origin, _payload(struct), public_key, raw)
