"""A mosquitto broker of the test's own, on loopback, with a password file, and clients of other makes to publish."""

import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from paho.mqtt.client import Client, MQTTv5  # type: ignore[import-untyped]
from paho.mqtt.properties import Properties  # type: ignore[import-untyped]

from collectors.demo.process import ServerProcess, free_port, new_secret, write_private

_SECONDS = 15.0
ACCOUNTS = ("collector", "publisher")


class Mosquitto:
    """One broker; what it keeps lies in `folder` and outlives `stop` and `start`, on the same port."""

    def __init__(self, folder: Path, settings: Iterable[str] = (), listener: Iterable[str] = ()) -> None:
        """`settings` are lines of its configuration, `listener` such of its only listener (TLS)."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        assert Path(program).exists(), "these tests need Debian's packages mosquitto and mosquitto-clients"
        self._program = program
        self._folder = folder
        self.port = free_port()
        self.passwords = {name: new_secret() for name in ACCOUNTS}
        self._process: ServerProcess | None = None
        passwords = folder / "passwords"
        write_private(passwords, "".join(f"{name}:{secret}\n" for name, secret in self.passwords.items()))
        subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, capture_output=True)
        self._configuration = folder / "mosquitto.conf"
        lines = (
            "per_listener_settings false",
            f"password_file {passwords}",
            "allow_anonymous false",
            "persistence true",
            f"persistence_location {folder}/",
            "user root",
            "max_queued_messages 0",
            *settings,
            f"listener {self.port} 127.0.0.1",
            *listener,
        )
        self._configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it takes connections."""
        command = [self._program, "-c", str(self._configuration)]
        self._process = ServerProcess("broker", command, self._folder / "mosquitto.log", {})
        self._process.wait_ready(self._answers, _SECONDS)

    def stop(self) -> None:
        """Stops it in order: it writes its state."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self, name: str) -> list[str]:
        """The beginning of a command of `mosquitto-clients`."""
        return [name, "-h", "127.0.0.1", "-p", str(self.port), "-u", "publisher", "-P", self.passwords["publisher"]]

    def publish(
        self,
        messages: Sequence[tuple[str, bytes]],
        qos: int = 1,
        *,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """Returns once the broker has taken all of them."""
        client = self.client("publisher")
        for topic, payload in messages:
            told = client.publish(topic, payload, qos, retain, properties)
            told.wait_for_publish(_SECONDS)
            assert told.is_published(), "the broker did not take the message"
        client.disconnect()
        client.loop_stop()

    def client(self, account: str, client_id: str = "", *, clean: bool = False) -> Client:
        """A connected client of the paho library; `clean`: the session of that client id ends."""
        client = Client(client_id, protocol=MQTTv5)
        client.username_pw_set(account, self.passwords[account])
        client.connect("127.0.0.1", self.port, clean_start=clean)
        client.loop_start()
        return client

    def _answers(self) -> bool:
        client = Client(protocol=MQTTv5)
        client.username_pw_set("publisher", self.passwords["publisher"])
        try:
            client.connect("127.0.0.1", self.port)
        except OSError:
            return False
        client.disconnect()
        return True
