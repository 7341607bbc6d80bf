"""Plants a challenge in Tryton: writes one text field of one test row, as a user of its own."""

import json
from collections.abc import Mapping

from collectors.base import Option, Secret
from collectors.challenge import Planter
from collectors.it.tryton_rpc import TrytonRpc
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, FatalSource


class TrytonPlanter(Planter):
    """See the module."""

    type = "tryton"
    title = "writes a text field of a test row of Tryton"
    options = (
        Option(name="url", meaning="http(s)://HOST:PORT/DATABASE/rpc/ (before 8.0: without `rpc/`)", required=True),
        Option(name="user", meaning="user name of the challenge's own", required=True),
        Option(name="model", meaning="the test row's model, as stock.lot", required=True),
        Option(name="row", meaning="its id", required=True),
        Option(name="field", meaning="the text field that is written, as number", required=True),
    )
    secrets = (Secret(name="password", meaning="the user's password"),)

    def __init__(
        self, challenge: str, options: Mapping[str, str], secrets: Mapping[str, str], clock: WallClock
    ) -> None:
        super().__init__(challenge, options, secrets, clock)
        row = self.option("row")
        if not row.isascii() or not row.isdecimal():
            raise ConfigError(
                f"challenge {challenge!r}: option 'row' is {row!r}", advice="Give the row's id, a number."
            )
        self._row = int(row)

    def read(self) -> str | None:
        model, field = self.option("model"), self.option("field")
        with self._session() as rpc:
            held = json.loads(rpc.read(model, [self._row], [field])[self._row]).get(field)
        if held is not None and not isinstance(held, str):
            raise FatalSource(f"{field} of {model} is no text: {held!r}", advice="Name a field that holds a text.")
        return held

    def plant(self, old: str | None, new: str) -> None:
        with self._session() as rpc:
            rpc.write(self.option("model"), self._row, self.option("field"), new)

    def _session(self) -> TrytonRpc:
        return TrytonRpc(self.option("url"), self.option("user"), self.secret("password"), self.clock)
