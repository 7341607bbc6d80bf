"""Plants a challenge at an MQTT broker: publishes one message to a test topic, as a user of its own."""

from collections.abc import Mapping

from collectors.base import Option, Secret
from collectors.challenge import Planter, check_template, fill, fill_json
from collectors.ot.mqtt_session import Access, Session
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError


class MqttPlanter(Planter):
    """See the module. The broker has acknowledged the message (QoS 1) when it counts as planted."""

    type = "mqtt"
    title = "publishes to a test topic of an MQTT broker"
    options = (
        Option(name="url", meaning="the broker, mqtt://HOST:PORT or mqtts://HOST:PORT", required=True),
        Option(name="user", meaning="user name of the challenge's own; empty for none"),
        Option(name="protocol", meaning="MQTT version: 5 or 3.1.1", default="5"),
        Option(name="topic", meaning="the test topic", required=True),
        Option(name="payload", meaning="what is published, with {new} (and {old}, {now})", required=True),
        Option(name="format", meaning="json: the payload's texts are filled in; text: the payload", default="json"),
        Option(name="ca", meaning="file of the authorities that the broker's certificate may come from (PEM)"),
        Option(name="certificate", meaning="file of the challenge's own certificate (PEM)"),
        Option(name="key", meaning="file of its key (PEM)"),
    )
    secrets = (Secret(name="password", meaning="the user's password", required=False),)

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        self._json = self.word("format", ("json", "text")) == "json"
        check_template(challenge, "payload", self.option("payload"), is_json=self._json)
        if any(sign in self.option("topic") for sign in "+#\x00"):
            raise ConfigError(f"challenge {challenge!r}: the topic holds + or #", advice="Name one topic.")
        self._access = Access(
            url=self.option("url"),
            client_id=f"trailseal-challenge-{challenge}",
            version="5" if self.word("protocol", ("5", "3.1.1")) == "5" else "3.1.1",
            user=self.option("user"),
            password=self.secret("password"),
            ca=self.option("ca"),
            certificate=self.option("certificate"),
            key=self.option("key"),
        )
        _ = self._access.place

    def read(self) -> str | None:
        """None: a broker need not keep what was published; that it lets this user in is what is tried."""
        with Session(self._access, clean=True):
            return None

    def plant(self, old: str | None, new: str) -> None:
        now, template = utc_text(self.clock.now_us()), self.option("payload")
        payload = fill_json(template, old, new, now) if self._json else fill(template, old, new, now).encode()
        with Session(self._access, clean=True) as session:
            session.deliver(self.option("topic"), payload)
