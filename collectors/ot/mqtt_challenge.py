"""Plants a challenge at an MQTT broker: publishes one message to a test topic, as a user of its own."""

from collections.abc import Mapping
from typing import Final

from collectors.base import Option, Secret
from collectors.challenge import Planter, check_template, fill, fill_json
from collectors.ot.mqtt_session import Access, Session
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError

PLACE: Final = (
    Option(name="url", meaning="the broker, mqtt://HOST:PORT or mqtts://HOST:PORT", required=True),
    Option(name="user", meaning="user name of the challenge's own; empty for none"),
    Option(name="protocol", meaning="MQTT version: 5 or 3.1.1", default="5"),
)
TRUST: Final = (
    Option(name="ca", meaning="file of the authorities that the broker's certificate may come from (PEM)"),
    Option(name="certificate", meaning="file of the challenge's own certificate (PEM)"),
    Option(name="key", meaning="file of its key (PEM)"),
)
SECRETS: Final = (Secret(name="password", meaning="the user's password", required=False),)


def access_of(planter: Planter) -> Access:
    """How a planter with these options and secrets reaches its broker; raises ConfigError for a place that is none."""
    access = Access(
        url=planter.option("url"),
        client_id=f"trailseal-challenge-{planter.challenge}",
        version="5" if planter.word("protocol", ("5", "3.1.1")) == "5" else "3.1.1",
        user=planter.option("user"),
        password=planter.secret("password"),
        ca=planter.option("ca"),
        certificate=planter.option("certificate"),
        key=planter.option("key"),
    )
    _ = access.place
    return access


class MqttPlanter(Planter):
    """See the module. The broker has acknowledged the message (QoS 1) when it counts as planted."""

    type = "mqtt"
    title = "publishes to a test topic of an MQTT broker"
    options = (
        *PLACE,
        Option(name="topic", meaning="the test topic", required=True),
        Option(name="payload", meaning="what is published, with {new} (and {old}, {now})", required=True),
        Option(name="format", meaning="json: the payload's texts are filled in; text: the payload", default="json"),
        *TRUST,
    )
    secrets = SECRETS

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        self._json = self.word("format", ("json", "text")) == "json"
        check_template(challenge, "payload", self.option("payload"), is_json=self._json)
        if any(sign in self.option("topic") for sign in "+#\x00"):
            raise ConfigError(f"challenge {challenge!r}: the topic holds + or #", advice="Name one topic.")
        self._access = access_of(self)

    def read(self) -> str | None:
        """None: a broker need not keep what was published; that it lets this user in is what is tried."""
        with Session(self._access, clean=True):
            return None

    def plant(self, old: str | None, new: str) -> None:
        now, template = utc_text(self.clock.now_us()), self.option("payload")
        payload = fill_json(template, old, new, now) if self._json else fill(template, old, new, now).encode()
        with Session(self._access, clean=True) as session:
            session.deliver(self.option("topic"), payload)
