"""Looks up secrets where a configuration says they are: it holds `env:NAME` or `file:PATH`, never a secret."""

import os
from collections.abc import Mapping
from pathlib import Path

from ledger.core.errors import ConfigError


def resolve(references: Mapping[str, str]) -> dict[str, str]:
    """Name of each secret → the secret; raises ConfigError that names the place, never what stands there.

    A file's text is taken without the line break at its end.
    """
    return {name: _look_up(name, reference) for name, reference in references.items()}


def _look_up(name: str, reference: str) -> str:
    where, _, place = reference.partition(":")
    if where == "env":
        if place in os.environ:
            return os.environ[place]
        raise ConfigError(
            f"the secret {name!r} is not there: no environment variable {place}",
            advice="Set the variable for this process, or register the source with another place.",
        )
    if where == "file":
        try:
            return Path(place).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"the secret {name!r} cannot be read from {place}: {error.__class__.__name__}",
                advice="Check that the file exists, is UTF-8 text and can be read by this process.",
            ) from None
    raise ConfigError(
        f"the place of the secret {name!r} is neither env:NAME nor file:PATH",
        advice="Write the secret to a file that only this process can read and name it as file:PATH.",
    )
