"""How a collector shows an HTTP source who it is: a key in a header, a bearer token, user and password, or a session.

A session is one sign-in by POST, whose answer holds a token that every later request carries in a header.
"""

import json
from base64 import b64encode
from enum import StrEnum

import jmespath
import msgspec

from collectors.base import Option, Secret
from collectors.it.http import Http
from ledger.core.errors import ConfigError, FatalSource, RetriableSource


class Auth(StrEnum):
    """The ways there are."""

    NONE = "none"
    HEADER = "header"
    BEARER = "bearer"
    BASIC = "basic"
    SESSION = "session"


OPTIONS = (
    Option(name="auth", meaning=f"how to sign in: {', '.join(Auth)}", default="none"),
    Option(name="user", meaning="the account, for basic and session"),
    Option(name="auth_header", meaning="the header that carries key or session token", default="Authorization"),
    Option(name="login", meaning="session: path of the sign-in, below the address"),
    Option(name="login_as", meaning="session: how user and password are sent, form or json", default="form"),
    Option(name="login_user", meaning="session: name of the user's field", default="username"),
    Option(name="login_password", meaning="session: name of the password's field", default="password"),
    Option(name="login_token", meaning="session: JMESPath of the token in the answer", default="token"),
)
SECRETS = (Secret(name="password", meaning="password, API key or token, as `auth` says", required=False),)


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a session begins."""

    path: str
    form: bool
    user_field: str
    password_field: str
    token: str


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown to the source. Raises ConfigError when it is made of what does not go together."""

    auth: Auth
    user: str
    secret: str
    header: str
    login: Login

    def __post_init__(self) -> None:
        if self.auth is not Auth.NONE and not self.secret:
            raise ConfigError(
                f"auth is {self.auth}, and the secret 'password' is missing",
                advice="Set it with `trailseal source add --secret password=file:PATH` (or env:NAME).",
            )
        if self.auth in {Auth.BASIC, Auth.SESSION} and not self.user:
            raise ConfigError(f"auth is {self.auth}, and the option 'user' is missing", advice="Name the account.")
        if self.auth is Auth.BASIC and ":" in self.user:
            raise ConfigError(f"the user {self.user!r} has a colon", advice="Basic authentication cannot carry it.")
        if self.auth in {Auth.HEADER, Auth.BEARER} and not _fits_a_header(self.secret):
            raise ConfigError("the key or token holds more than visible ASCII", advice="Write it anew, in one line.")
        if self.auth is Auth.SESSION and not self.login.path:
            raise ConfigError("auth is session, and the option 'login' is missing", advice="Name the sign-in's path.")
        if not self.header.replace("-", "").replace("_", "").isalnum() or not self.header.isascii():
            raise ConfigError(f"{self.header!r} is no header", advice="Correct the option 'auth_header'.")

    @property
    def account(self) -> str:
        """How messages name who asks; never the secret."""
        if self.auth in {Auth.BASIC, Auth.SESSION}:
            return f"user {self.user!r}"
        return {Auth.HEADER: f"the key in {self.header}", Auth.BEARER: "the token"}.get(
            self.auth, "an anonymous caller"
        )

    def sign_in(self, http: Http) -> None:
        """From now on the session shows these credentials. Raises FatalSource where the sign-in is refused."""
        http.account, http.secret = self.account, self.secret
        if self.auth is Auth.HEADER:
            http.headers[self.header] = self.secret
        elif self.auth is Auth.BEARER:
            http.headers["Authorization"] = f"Bearer {self.secret}"
        elif self.auth is Auth.BASIC:
            pair = b64encode(f"{self.user}:{self.secret}".encode()).decode("ascii")
            http.headers["Authorization"] = f"Basic {pair}"
        elif self.auth is Auth.SESSION:
            http.headers[self.header] = self._token(http)

    def _token(self, http: Http) -> str:
        fields = {self.login.user_field: self.user, self.login.password_field: self.secret}
        url = http.address(self.login.path)
        answer = http.post(url, form=fields) if self.login.form else http.post(url, json=fields)
        try:
            token = jmespath.search(self.login.token, json.loads(answer.body))
        except (ValueError, RecursionError):
            raise RetriableSource(
                f"{http.base} answered the sign-in with something else than JSON: {http.said(answer)}",
                advice="Check the option 'login'; a proxy or a maintenance page may have answered.",
            ) from None
        if not isinstance(token, str) or not _fits_a_header(token):
            says = http.said(answer) if token is None else "no token came back"
            raise FatalSource(
                f"{http.base} refuses {self.account}: {says}",
                advice="Check the account and its password, and the option 'login_token'.",
            )
        return token


def _fits_a_header(text: str) -> bool:
    return bool(text) and all("!" <= letter <= "~" for letter in text)
