"""How a log asks a witness over HTTP: whatever comes back is bounded, timed, and believed only where it verifies."""

import ssl
from pathlib import Path
from time import monotonic
from typing import Any, Final

import httpx
import msgspec

from ledger.core.errors import ConfigError
from ledger.core.note import NoteSignature, Verifier
from ledger.core.witnessing import (
    MAX_ANSWER,
    AddCheckpoint,
    Answer,
    WitnessRefused,
    WitnessUnreachable,
    accepted,
    monitoring_path,
)
from ledger.trust.witness.statement import About

TIMEOUT_S: Final = 5.0
_PLAIN: Final = {"Accept-Encoding": "identity"}
"""A few lines need no compression, and what is not unpacked cannot swell."""


class WitnessClient:
    """One witness, known by its verifier key; any number of threads may ask it at once."""

    def __init__(
        self,
        url: str,
        verifier: Verifier,
        timeout: float = TIMEOUT_S,
        *,
        also: tuple[Verifier, ...] = (),
        trusted_ca: Path | None = None,
    ) -> None:
        """`url` is the prefix before `/add-checkpoint`; `timeout` bounds each step and the answer as a whole.

        `also` are further keys of the same witness; `trusted_ca` verifies its certificate in place of the system's.
        """
        scheme, _, rest = url.partition("://")
        if scheme not in ("http", "https") or not rest:
            raise ConfigError(f"{url!r} is not the address of a witness", advice="Give https://HOST[:PORT][/PATH].")
        self.verifier = verifier
        self._url = url.rstrip("/")
        self._also = also
        self._timeout = timeout
        # Reading the system's authorities takes its time, and plain HTTP needs none of them.
        context = ssl.create_default_context(cafile=trusted_ca) if scheme == "https" else False
        self._http = httpx.Client(verify=context, timeout=timeout, trust_env=False, headers=_PLAIN)

    def add_checkpoint(self, request: AddCheckpoint) -> tuple[NoteSignature, ...]:
        """The witness's verified lines over the request's checkpoint.

        Raises WitnessElsewhere (with the size to prove from), WitnessConflict (two views of the log), WitnessRefused
        or WitnessUnreachable.
        """
        answer = self._ask("POST", "add-checkpoint", content=request.encode())
        return accepted(request, answer, self.verifier, *self._also)

    def checkpoint(self, origin: str) -> bytes | None:
        """The latest checkpoint of a log that the witness shows, unverified; None if it shows none.

        Raises WitnessRefused or WitnessUnreachable.
        """
        answer = self._ask("GET", monitoring_path(origin))
        if answer.status == 404:
            return None
        return self._require_ok(answer)

    def about(self) -> About:
        """What the witness states of itself: who operates and administers it, host, identity provider.

        Raises WitnessRefused if it states nothing that can be read, or WitnessUnreachable.
        """
        answer = self._ask("GET", "about")
        try:
            return msgspec.json.decode(self._require_ok(answer), type=About)
        except msgspec.DecodeError as error:
            raise WitnessRefused(f"witness {self.verifier.name} states nothing readable: {error}", 200) from None

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def _require_ok(self, answer: Answer) -> bytes:
        if answer.status == 429 or answer.status >= 500:
            raise WitnessUnreachable(f"witness {self.verifier.name} answers {answer.status}")
        if answer.status != 200:
            raise WitnessRefused(f"witness {self.verifier.name} answers {answer.status}", answer.status)
        return answer.body

    def _ask(self, method: str, path: str, **more: Any) -> Answer:
        late = monotonic() + self._timeout
        try:
            with self._http.stream(method, f"{self._url}/{path}", **more) as answer:
                data = b""
                for piece in answer.iter_raw():
                    data += piece
                    if len(data) > MAX_ANSWER or monotonic() > late:
                        raise WitnessUnreachable(f"the answer of witness {self.verifier.name} has no end")
                return Answer(status=answer.status_code, body=data)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise WitnessUnreachable(
                f"witness {self.verifier.name} at {self._url} does not answer ({type(error).__name__})"
            ) from None
