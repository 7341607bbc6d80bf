"""Files that are named at the terminal."""

from pathlib import Path

from ledger.core.errors import ConfigError


def text_of(file: Path, sort: str) -> str:
    """The text of a file in UTF-8, its line ends as they are; raises ConfigError. `sort`: what it should be."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read: {error.__class__.__name__}", advice=f"It is a {sort} file in UTF-8."
        ) from None
