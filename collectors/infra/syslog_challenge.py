"""Plants a challenge by syslog: sends one message (RFC 5424), as any sender of the site would."""

import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from collectors.base import Option
from collectors.challenge import Planter, check_template, fill
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource, RetriableSource

_SECONDS: Final = 10.0
_PRIORITY: Final = 13 * 8 + 5
"""Facility 13 (log audit), severity 5 (notice)."""


class SyslogPlanter(Planter):
    """See the module. Syslog answers nothing: whether the message came is what the challenge finds out."""

    type = "syslog"
    title = "sends a test message by syslog"
    options = (
        Option(name="url", meaning="where to: udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT", required=True),
        Option(name="message", meaning="the message, with {new} (and {old})", default="challenge: {new}"),
        Option(name="host", meaning="the sender's name in the message; empty: this machine's"),
        Option(name="app", meaning="the program's name in the message", default="trailseal-challenge"),
        Option(name="ca", meaning="tls: file of the authorities that the receiver's certificate may come from (PEM)"),
        Option(name="certificate", meaning="tls: file of the challenge's own certificate (PEM)"),
        Option(name="key", meaning="tls: file of its key (PEM)"),
    )

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        check_template(challenge, "message", self.option("message"))
        for name in ("host", "app"):
            if not all("!" <= letter <= "~" for letter in self.option(name)):
                raise ConfigError(
                    f"challenge {challenge!r}: option {name!r} holds more than visible ASCII", advice="Correct it."
                )
        try:
            parts = urlsplit(self.option("url"))
            self._way, self._place = parts.scheme, (parts.hostname or "", parts.port or 0)
        except ValueError:
            self._way, self._place = "", ("", 0)
        if self._way not in {"udp", "tcp", "tls"} or not all(self._place):
            raise ConfigError(
                f"{self.option('url')!r} is no address of a syslog receiver", advice="Write tcp://HOST:PORT."
            )

    def read(self) -> str | None:
        """None: syslog tells no value; by tcp and tls it is tried whether anybody listens."""
        if self._way != "udp":
            self._connected().close()
        return None

    def plant(self, old: str | None, new: str) -> None:
        now = utc_text(self.clock.now_us())
        head = f"<{_PRIORITY}>1 {now} {self.option('host') or socket.gethostname()} {self.option('app')} - - - "
        message = (head + fill(self.option("message"), old, new, now)).encode()
        if self._way == "udp":
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
                    datagram.sendto(message, self._place)
            except OSError as error:
                raise FatalSource(f"no datagram can be sent to {self.option('url')}: {error}") from None
            return
        with self._connected() as stream:
            try:
                stream.sendall(b"%d %b" % (len(message), message))
            except OSError as error:
                raise RetriableSource(f"whether {self.option('url')} has the message is not known: {error}") from None

    def _connected(self) -> socket.socket:
        try:
            plain = socket.create_connection(self._place, timeout=_SECONDS)
            if self._way == "tcp":
                return plain
            context = ssl.create_default_context(cafile=self.option("ca") or None)
            if self.option("certificate"):
                context.load_cert_chain(self.option("certificate"), self.option("key") or None)
            return context.wrap_socket(plain, server_hostname=self._place[0])
        except ssl.SSLError as error:
            raise FatalSource(
                f"{self.option('url')} and this sender do not trust each other: {error}",
                advice="Correct the options ca, certificate and key.",
            ) from None
        except OSError as error:
            raise RetriableSource(f"nobody takes syslog messages at {self.option('url')}: {error}") from None
