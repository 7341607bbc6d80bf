"""What a provider that is not well answers: each is an outage, told as one. The answers come over TLS from a server."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ledger.core.clock import SystemClock
from ledger.core.errors import NotAuthenticated, SchemaViolation, SignInUnreachable
from ledger.people.oidc_client import MAX_ANSWER, Client, ProviderClient, require_https
from tests.support.certificates import Authority

Answering = Callable[[BaseHTTPRequestHandler, str], None]


class Sick:
    """A server that answers as the test says; `answer` is asked with the path."""

    def __init__(self, authority: Authority) -> None:
        self.answer: Answering = lambda request, path: None
        self.asked: list[str] = []
        sick = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sick.asked.append(self.path)
                sick.answer(self, self.path)

            do_POST = do_GET  # noqa: N815 - http.server names it so

            def log_message(self, *_arguments: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("sick"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.issuer = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def description(self, **more: Any) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **more,
        }

    def says(self, status: int, value: object, other: Answering | None = None) -> None:
        """This is the description; `other` answers all other paths."""

        def answer(request: BaseHTTPRequestHandler, path: str) -> None:
            if other is not None and "well-known" not in path:
                other(request, path)
                return
            send(request, status, value)

        self.answer = answer

    def client(self, **more: Any) -> ProviderClient:
        client = Client(issuer=self.issuer, client_id="trailseal", redirect_uri="https://l/x", secret="s", **more)
        return ProviderClient(client, SystemClock(), timeout_s=0.5)


def send(request: BaseHTTPRequestHandler, status: int, value: object, **headers: str) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    request.send_response(status)
    request.send_header("Content-Length", str(len(data)))
    for name, text in headers.items():
        request.send_header(name, text)
    request.end_headers()
    request.wfile.write(data)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    made = Authority(tmp_path_factory.mktemp("ca"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made.file))
        yield made


@pytest.fixture(scope="module")
def sick(authority: Authority) -> Iterator[Sick]:
    made = Sick(authority)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("status", "value"),
    [
        (500, {}),
        (503, b"<html>"),
        (404, {}),
        (200, b"not json"),
        (200, b'{"issuer":"a","issuer":"b"}'),
        (200, []),
        (200, {}),
        (200, b"x" * (MAX_ANSWER + 1)),
    ],
)
def test_a_description_that_is_none_is_an_outage(sick: Sick, status: int, value: object) -> None:
    sick.says(status, value)
    with pytest.raises(SignInUnreachable, match="sign-in service unreachable: "):
        sick.client().description()


@pytest.mark.parametrize(
    "more",
    [
        {"issuer": "https://id.other.example"},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"jwks_uri": "https://user@127.0.0.1/jwks"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_a_description_that_contradicts_what_was_agreed_is_an_outage(sick: Sick, more: dict[str, Any]) -> None:
    sick.says(200, sick.description(**more))
    with pytest.raises(SignInUnreachable):
        sick.client().description()


def test_a_redirect_is_not_followed(sick: Sick) -> None:
    sick.answer = lambda request, path: send(request, 302, {}, Location=f"{sick.issuer}/elsewhere")
    sick.asked.clear()
    with pytest.raises(SignInUnreachable, match="302"):
        sick.client().description()
    assert sick.asked == ["/.well-known/openid-configuration"]


def test_a_provider_that_is_slow_is_an_outage(sick: Sick) -> None:
    over = threading.Event()

    def wait(request: BaseHTTPRequestHandler, path: str) -> None:
        over.wait(5)

    sick.answer = wait
    with pytest.raises(SignInUnreachable, match="does not answer"):
        sick.client().description()
    over.set()


def test_a_provider_that_is_not_there_or_not_trusted_is_an_outage(sick: Sick, tmp_path: Path) -> None:
    away = Client(issuer="https://127.0.0.1:1", client_id="c", redirect_uri="https://l/x", secret=None)
    with pytest.raises(SignInUnreachable, match="does not answer"):
        ProviderClient(away, SystemClock()).description()
    untrusted = Sick(Authority(tmp_path, "Other CA"))
    untrusted.says(200, untrusted.description())
    try:
        with pytest.raises(SignInUnreachable, match="does not answer"):
            untrusted.client().description()
    finally:
        untrusted.stop()


@pytest.mark.parametrize(
    "keys",
    [{}, {"keys": "none"}, {"keys": []}, {"keys": [{"kty": "oct", "k": "AA"}]}, {"keys": [{}] * 51}, {"keys": [1]}],
)
def test_a_key_set_without_a_usable_key_is_an_outage(sick: Sick, keys: object) -> None:
    sick.says(200, sick.description(), lambda request, path: send(request, 200, keys))
    with pytest.raises(SignInUnreachable):
        sick.client().keys()


@pytest.mark.parametrize(
    ("status", "value", "error"),
    [
        (400, {"error": "invalid_grant"}, NotAuthenticated),
        (401, {"error": "invalid_client"}, SignInUnreachable),
        (400, {"error": "unauthorized_client"}, SignInUnreachable),
        (200, {"access_token": "a"}, SignInUnreachable),
        (200, {"id_token": 1, "access_token": "a"}, SignInUnreachable),
        (500, {"error": "invalid_grant"}, SignInUnreachable),
        (429, {}, SignInUnreachable),
    ],
)
def test_only_the_provider_s_own_refusal_of_the_code_is_about_the_person(
    sick: Sick, status: int, value: object, error: type[Exception]
) -> None:
    sick.says(200, sick.description(), lambda request, path: send(request, status, value))
    with pytest.raises(error):
        sick.client().exchange("code", "verifier")


def test_the_description_is_asked_for_once_an_hour(sick: Sick) -> None:
    sick.says(200, sick.description())
    sick.asked.clear()
    client = sick.client()
    assert client.address("s", "n", "v" * 43, {}) == client.address("s", "n", "v" * 43, {})
    assert len(sick.asked) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "http://a",
        "https://",
        "https://u:p@a",
        "https://a#b",
        "https://a:0",
        "ftp://a",
        "x",
        "https://a/\nb",
        "https://a/ b",
    ],
)
def test_only_https_addresses_are_taken(uri: str) -> None:
    with pytest.raises(SchemaViolation):
        require_https(uri)
