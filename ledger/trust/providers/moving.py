"""Keys change their place and stay the same keys: the new place is written and read back before the old one is left."""

from ledger.core.errors import ConfigError
from ledger.trust.providers.base import Secrets


def copy(source: Secrets, target: Secrets, again: Secrets) -> list[str]:
    """Writes all that `source` keeps into `target`, and reads it by `again`, another opening of that place.

    Returns the names. Raises ConfigError where the place holds another secret of one of them: nothing is overwritten.
    """
    names = source.names()
    for name in names:
        value = source.read(name)
        assert value is not None
        if not target.add(name, value) and target.read(name) != value:
            raise ConfigError(
                f"{target.place(name)} holds another key already", advice="Move it away; nothing was removed here."
            )
    for name in names:
        if again.read(name) != source.read(name):
            raise ConfigError(f"{target.place(name)} does not read as it was written", advice="Nothing was removed.")
    return names


def leave(source: Secrets, names: list[str]) -> None:
    """Removes the secrets of these names, once another place holds them."""
    for name in names:
        source.remove(name)
