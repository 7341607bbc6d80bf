"""The HTTP side of a witness (C2SP tlog-witness v1.0.0): a request is bounded and timed before anything reads it.

No caller is authenticated but by the log's signature. Whoever sends what is no log's is answered 429 after a while, so
that strangers can't keep disk and signer from the logs.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from ledger.core.structs import make_ready
from ledger.core.witnessing import MAX_REQUEST, Answer, Refusal, Status
from ledger.trust.witness.acting import Witness
from ledger.trust.witness.folder import Settings
from ledger.trust.witness.statement import About
from ledger.trust.witness.states import States

BODY_SECONDS: Final = 10.0
"""How long a request may take to arrive."""
PERIOD_SECONDS: Final = 60.0
MAX_PEERS: Final = 10_000
"""Peers whose refusals are counted at one time."""
_STRANGE: Final = frozenset({Status.MALFORMED, Status.NOT_SIGNED, Status.UNKNOWN_LOG})
_THREADS: Final = 4
"""Of one log one request is worked on at a time; more threads serve more logs."""
_HARD: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_TOO_MANY: Final = Answer.of_refusal(Refusal(status=Status.OVERLOADED, why="too many requests: try again later"))

_Asked = Request[Any, Any, Any]


class Desk:
    """Takes requests in: at most so many at once, and from no peer too many that are no log's."""

    def __init__(self, witness: Witness, settings: Settings) -> None:
        self._witness = witness
        self._at_once = settings.at_once
        self._allowed = settings.refusals_a_minute
        self._busy = 0
        self._refused: Counter[str] = Counter()
        self._since = 0.0
        self.pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="witness")

    async def take(self, request: _Asked) -> Answer:
        """The answer to a request, or that there are too many."""
        peer = request.client.host if request.client else ""
        if self._strange(peer):
            return _TOO_MANY
        try:
            data = await _body(request)
        except TimeoutError:
            return Answer.of_refusal(Refusal(status=Status.MALFORMED, why="the request did not arrive in time"))
        if self._busy >= self._at_once:
            return _TOO_MANY
        self._busy += 1
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self.pool, self._witness.answer, data)
        finally:
            self._busy -= 1
        if answer.status in _STRANGE and (peer in self._refused or len(self._refused) < MAX_PEERS):
            self._refused[peer] += 1
        return answer

    def _strange(self, peer: str) -> bool:
        """Whether too much came from there in this period that was no log's."""
        now = asyncio.get_running_loop().time()
        if now - self._since >= PERIOD_SECONDS:
            self._refused.clear()
            self._since = now
        return 0 < self._allowed <= self._refused[peer]


def create_app(witness: Witness, states: States, settings: Settings, about: About) -> Litestar:
    """The application of one witness."""
    make_ready()
    app = Litestar(
        route_handlers=[_add_checkpoint, _checkpoint, _about],
        exception_handlers={HTTPException: _http_error, Exception: _unexpected},
        openapi_config=None,
        # A request that is too long is malformed, says the desk.
        request_max_body_size=None,
        lifespan=[_running],
        logging_config=None,
        debug=False,
    )
    app.state.desk = Desk(witness, settings)
    app.state.states = states
    app.state.about = msgspec.json.encode(about)
    return app


@post("/add-checkpoint", status_code=200)
async def _add_checkpoint(request: _Asked) -> Response[bytes]:
    """Cosigns a checkpoint that continues what this witness has seen of its log."""
    desk: Desk = request.app.state.desk
    return _answered(await desk.take(request))


@get("/{digest:str}/checkpoint")
async def _checkpoint(request: _Asked, digest: FromPath[str]) -> Response[bytes]:
    """The latest checkpoint cosigned of a log, by the hex SHA-256 of its origin."""
    states: States = request.app.state.states
    desk: Desk = request.app.state.desk
    note = await asyncio.get_running_loop().run_in_executor(desk.pool, states.published, digest)
    if note is None:
        return _answered(Answer.of_refusal(Refusal(status=Status.UNKNOWN_LOG, why="nothing is published under that")))
    return _answered(Answer(status=Status.COSIGNED, body=note))


@get("/about", media_type="application/json")
async def _about(request: _Asked) -> Response[bytes]:
    """What the witness states of itself."""
    return Response(request.app.state.about, media_type="application/json", headers=_HARD)


async def _body(request: _Asked) -> bytes:
    """What arrives in time, cut where it is longer than a request may be: then it is malformed."""
    data = b""
    async with asyncio.timeout(BODY_SECONDS):
        async for piece in request.stream():
            data += piece
            if len(data) > MAX_REQUEST:
                break
    return data


def _answered(answer: Answer) -> Response[bytes]:
    # Given as a header, as the framework adds a character set to what begins with text/.
    headers = {**_HARD, "Content-Type": answer.media_type}
    if answer.status in (Status.OVERLOADED, Status.NOT_ABLE):
        headers["Retry-After"] = str(int(PERIOD_SECONDS))
    return Response(answer.body, status_code=answer.status, headers=headers)


def _http_error(_request: _Asked, error: HTTPException) -> Response[bytes]:
    said = f"{HTTPStatus(error.status_code).phrase}\n".encode()
    return Response(
        said, status_code=error.status_code, media_type="text/plain", headers={**_HARD, **(error.headers or {})}
    )


def _unexpected(_request: _Asked, error: Exception) -> Response[bytes]:
    """A caller is told no more than that it failed."""
    structlog.get_logger().error("a request failed", exc_info=error)
    return Response(b"Internal Server Error\n", status_code=500, media_type="text/plain", headers=_HARD)


@asynccontextmanager
async def _running(app: Litestar) -> AsyncIterator[None]:
    desk: Desk = app.state.desk
    try:
        yield
    finally:
        desk.pool.shutdown(cancel_futures=True)
