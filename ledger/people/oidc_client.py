"""What is asked of the site's identity provider, over TLS alone: its description, its keys, a token for a code.

Whatever keeps it from answering as it should (a refused connection, a time-out, 5xx, a description that contradicts
itself) is SignInUnreachable: nothing was said about the person. Only its own refusal of a code is NotAuthenticated.
"""

import secrets
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.discovery import get_well_known_url

from ledger.core import canonical
from ledger.core.clock import WallClock
from ledger.core.errors import NotAuthenticated, NotCanonical, SchemaViolation, SignInUnreachable
from ledger.core.oidc_proof import ProviderKey, usable

TIMEOUT_S: Final = 5.0
MAX_ANSWER: Final = 512 * 1024
"""Bytes of the largest answer that is read."""
MAX_KEYS: Final = 50
FRESH_US: Final = 3_600_000_000
"""How long the provider's description is relied on before it is asked again."""


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What is used of a provider's metadata (OpenID Connect Discovery 1.0, RFC 9207)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    authorization_response_iss_parameter_supported: bool = False


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger is to the provider. `secret` is None for a public client."""

    issuer: str
    client_id: str
    redirect_uri: str
    secret: str | None


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """What a code was exchanged for."""

    id_token: str
    access_token: str


class ProviderClient:
    """Safe to use from any number of threads; asks anew for what it knows for longer than an hour."""

    def __init__(self, client: Client, clock: WallClock, timeout_s: float = TIMEOUT_S) -> None:
        self.client = client
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._known: tuple[int, Description] | None = None

    def description(self) -> Description:
        """The provider's description; raises SignInUnreachable."""
        with self._lock:
            known = self._known
        now = self._clock.now_us()
        if known is not None and 0 <= now - known[0] < FRESH_US:
            return known[1]
        found = self._describe(self._get(get_well_known_url(self.client.issuer, external=True)))
        with self._lock:
            self._known = (now, found)
        return found

    def keys(self) -> tuple[ProviderKey, ...]:
        """The keys for signatures that the provider publishes now, of the sorts that are taken.

        Raises SignInUnreachable, also if there is none.
        """
        found = self._get(self.description().jwks_uri).get("keys")
        if not isinstance(found, list) or len(found) > MAX_KEYS:
            raise SignInUnreachable("what the identity provider publishes is no key set")
        keys = []
        for one in found:
            try:
                key = msgspec.convert(one, ProviderKey)
            except msgspec.ValidationError:
                continue
            if one.get("use", "sig") == "sig" and usable(key):
                keys.append(key)
        if not keys:
            raise SignInUnreachable("the identity provider publishes no key that its tokens could be checked with")
        return tuple(keys)

    def address(self, state: str, nonce: str, verifier: str, more: Mapping[str, str]) -> str:
        """Where a browser is sent to authenticate; `more` are further parameters. Raises SignInUnreachable."""
        uri: str = prepare_grant_uri(
            self.description().authorization_endpoint,
            client_id=self.client.client_id,
            response_type="code",
            redirect_uri=self.client.redirect_uri,
            scope="openid",
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        return uri

    def exchange(self, code: str, verifier: str) -> Granted:
        """The token for a code. Raises NotAuthenticated if the provider refuses the code, and SignInUnreachable."""
        form = {"client_id": self.client.client_id} if self.client.secret is None else {}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        auth: httpx.BasicAuth | None = None
        description = self.description()
        if self.client.secret is not None:
            if "client_secret_basic" in description.token_endpoint_auth_methods_supported:
                # RFC 6749 2.3.1: both are form-encoded first.
                auth = httpx.BasicAuth(quote_plus(self.client.client_id), quote_plus(self.client.secret))
            else:
                form = {"client_id": self.client.client_id, "client_secret": self.client.secret}
        body = prepare_token_request(
            "authorization_code", redirect_uri=self.client.redirect_uri, code=code, code_verifier=verifier, **form
        )
        status, answer = self._ask("POST", description.token_endpoint, content=body, headers=headers, auth=auth)
        error = answer.get("error")
        if status in (400, 401) and error == "invalid_grant":
            raise NotAuthenticated(
                "the identity provider refused the code: it was used, or is too old", advice="Begin again."
            )
        if status in (400, 401):
            raise SignInUnreachable(
                "the identity provider does not take Trailseal for its client",
                advice="An administrator compares client id and secret with the provider (`trailseal user provider`).",
            )
        token, access = answer.get("id_token"), answer.get("access_token")
        if status != 200 or not isinstance(token, str) or not isinstance(access, str):
            raise SignInUnreachable(f"the identity provider answered {status} without a token")
        return Granted(id_token=token, access_token=access)

    def _describe(self, found: dict[str, Any]) -> Description:
        try:
            description = msgspec.convert(found, Description)
        except msgspec.ValidationError as error:
            raise SignInUnreachable(f"the identity provider's description is not one: {error}") from None
        if description.issuer != self.client.issuer:
            raise SignInUnreachable("the identity provider's description names another issuer")
        for uri in (description.authorization_endpoint, description.token_endpoint, description.jwks_uri):
            try:
                require_https(uri)
            except SchemaViolation as error:
                raise SignInUnreachable(f"in the identity provider's description, {error.message}") from None
        methods = description.code_challenge_methods_supported
        if methods is not None and "S256" not in methods:
            raise SignInUnreachable("the identity provider does not support PKCE with S256")
        return description

    def _get(self, uri: str) -> dict[str, Any]:
        status, answer = self._ask("GET", uri, headers={"Accept": "application/json"})
        if status != 200:
            raise SignInUnreachable(f"the identity provider answered {status}")
        return answer

    def _ask(self, method: str, uri: str, **more: Any) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of an answer; no redirect is followed, no proxy of the environment is asked."""
        status = 0
        try:
            with (
                httpx.Client(verify=ssl.create_default_context(), timeout=self._timeout_s, trust_env=False) as http,
                http.stream(method, uri, **more) as answer,
            ):
                data = b""
                for piece in answer.iter_bytes():
                    data += piece
                    if len(data) > MAX_ANSWER:
                        raise SignInUnreachable("the identity provider's answer has no end")
                status = answer.status_code
                if status >= 500:
                    raise SignInUnreachable(f"the identity provider answered {status}")
                found = canonical.loads(data)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise SignInUnreachable(f"the identity provider does not answer ({type(error).__name__})") from None
        except NotCanonical:
            raise SignInUnreachable(f"the identity provider answered {status} with no JSON") from None
        if not isinstance(found, dict):
            raise SignInUnreachable(f"the identity provider answered {status} with no JSON object")
        return status, found


def require_https(uri: str) -> None:
    """Raises SchemaViolation unless this is an https address without user, query or fragment of its own."""
    try:
        parts = urlsplit(uri)
        good = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and not parts.fragment
        good = good and parts.port != 0 and uri.isascii() and all(letter > " " for letter in uri)
    except ValueError:
        good = False
    if not good:
        raise SchemaViolation(f"{uri[:200]!r} is no https address", advice="Identity providers are asked by TLS alone.")


def new_secret() -> str:
    """256 random bits, for a browser's cookie."""
    return secrets.token_urlsafe(32)
