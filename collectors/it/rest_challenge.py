"""Plants a challenge by one declared request of an application's own interface, as an account of its own."""

import json
from collections.abc import Mapping

import jmespath
from jmespath.exceptions import JMESPathError

from collectors.base import Option
from collectors.challenge import Planter, check_template, fill, fill_json
from collectors.it.http import Answer, Http, checked_address, trust
from collectors.it.http_auth import OPTIONS, SECRETS, Auth, Credentials, Login
from collectors.text import render
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource


class RestPlanter(Planter):
    """See the module. The request is sent once; whether it may be sent again is not for this program to say."""

    type = "rest"
    title = "changes a test object by one HTTP request"
    options = (
        Option(name="url", meaning="base address, https://HOST:PORT/PATH; http only to this machine", required=True),
        Option(name="method", meaning="POST, PUT or PATCH", default="PUT"),
        Option(name="path", meaning="path of the test object below the address", required=True),
        Option(
            name="body",
            meaning="JSON that is sent, with {new} (and {old}, {now}) in its texts; “{new:number}” gives a number",
            required=True,
        ),
        Option(name="read", meaning="path of what tells the present value, below the address"),
        Option(name="value", meaning="JMESPath of the value in that answer"),
        Option(name="timeout", meaning="seconds of silence after which an answer is given up", default="30"),
        Option(name="ca_file", meaning="certificates (PEM) of the authorities that may vouch for the server"),
        *OPTIONS,
    )
    secrets = SECRETS

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        self._base = checked_address(self.option("url"))
        self._method = self.word("method", ("PUT", "POST", "PATCH"))
        check_template(challenge, "body", self.option("body"), is_json=True)
        self._credentials = Credentials(
            auth=Auth(self.word("auth", tuple(Auth))),
            user=self.option("user"),
            secret=self.secret("password"),
            header=self.option("auth_header"),
            login=Login(
                path=self.option("login"),
                form=self.word("login_as", ("form", "json")) == "form",
                user_field=self.option("login_user"),
                password_field=self.option("login_password"),
                token=self.option("login_token"),
            ),
        )
        try:
            self._value = jmespath.compile(self.option("value") or "@")
        except JMESPathError as error:
            raise ConfigError(
                f"challenge {challenge!r}: option 'value' is no JMESPath: {error}", advice="Correct it."
            ) from None

    def read(self) -> str | None:
        if not self.option("read"):
            return None
        with self._session() as http:
            answer = http.get(http.address(self.option("read")))
            return self._told(http, answer)

    def plant(self, old: str | None, new: str) -> None:
        now = utc_text(self.clock.now_us())
        with self._session() as http:
            url = http.address(fill(self.option("path"), old, new, now))
            http.change(self._method, url, fill_json(self.option("body"), old, new, now))

    def _session(self) -> Http:
        http = Http(self._base, self.clock, verify=trust(self.option("ca_file")))
        try:
            self._credentials.sign_in(http)
        except BaseException:
            http.close()
            raise
        return http

    def _told(self, http: Http, answer: Answer) -> str | None:
        try:
            value = self._value.search(json.loads(answer.body))
        except (ValueError, RecursionError, JMESPathError):
            value = None
        if answer.status >= 300 or value is None:
            raise FatalSource(
                f"{http.base} does not tell the test object's value (status {answer.status}): {http.said(answer)}",
                advice="Correct the options 'read' and 'value', or make the test object first.",
            )
        return str(render(value))
