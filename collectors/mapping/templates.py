"""The mappings that come with Trailseal: one TOML file a product, in the folder beside this module."""

from pathlib import Path

import msgspec

from collectors.mapping.model import MAX_TEXT, Mapping, read_mapping
from ledger.core.errors import ConfigError, NotFound

FOLDER = Path(__file__).parent / "templates"
_NOT_RUN = "# After the documented shape; not run against the product."


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One of them: its name, the text of its file, what it says, and whether it was run against the product."""

    name: str
    text: str
    mapping: Mapping

    @property
    def was_run(self) -> bool:
        """False where only the product's documented wire shape was at hand."""
        return _NOT_RUN not in self.text


def templates() -> list[Template]:
    """All of them, by name."""
    return [template(path.stem) for path in sorted(FOLDER.glob("*.toml"))]


def template(name: str) -> Template:
    """One by its name; raises NotFound."""
    path = FOLDER / f"{name}.toml"
    if "/" in name or not path.is_file():
        raise NotFound(f"there is no mapping template {name!r}", advice="See `trailseal source templates`.")
    text = path.read_text(encoding="utf-8")
    return Template(name=name, text=text, mapping=read_mapping(text))


def mapping_text(place: str) -> str:
    """The text of a mapping: of the template of that name, or else of the file at that path.

    Raises NotFound where neither is there, ConfigError for what is no mapping.
    """
    path = Path(place)
    if not path.is_file():
        return template(place).text
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_TEXT + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the mapping {place} cannot be read: {error.__class__.__name__}", advice="It is a text file in UTF-8."
        ) from None
    read_mapping(text)
    return text
