"""The base of drivers whose records a mapping makes."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from collectors.base import Collector
from collectors.json_text import read_json
from collectors.mapping.expression import Item
from collectors.mapping.mapper import Mapper
from collectors.mapping.model import read_mapping
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError, SkippableRecord
from ledger.core.record import Original, Record
from ledger.core.source import SourceConfig


class MappedCollector(Collector):
    """A driver that gives items. `format` is the version of how it reads an original; records are its mapping's."""

    mapped = True
    format: ClassVar[str]

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        """Raises ConfigError for a source without mapping, with one that cannot be, or one made for other drivers."""
        if config.mapping is None:
            raise ConfigError(
                f"source {config.id!r} has no mapping, and type {self.type!r} needs one",
                advice="Give one with `--mapping`: a template's name (`trailseal source templates`) or a TOML file.",
            )
        self.mapping = read_mapping(config.mapping)
        if self.mapping.drivers and self.type not in self.mapping.drivers:
            raise ConfigError(
                f"mapping {self.mapping.name!r} is not for type {self.type!r}",
                advice=f"It is for: {', '.join(self.mapping.drivers)}.",
            )
        super().__init__(config, secrets, clock)
        self._check_names(self.mapping.options, {option.name for option in self.options}, "option of the mapping")
        self.lacks = self.mapping.lacks
        self.parser = self.type
        self.parser_version = f"{self.format}+{self.mapping.name}@{self.mapping.version}"
        self._mapper = Mapper(self.mapping, config.id, config.zone)

    @abstractmethod
    def item(self, original: Original) -> Item:
        """What an original holds, a pure function of its bytes; raises SkippableRecord where it cannot be read."""

    def derive(self, original: Original) -> Record:
        return self._mapper.record(self.item(original))

    def option(self, name: str) -> str:
        """An option's value, else the mapping's, else the default, else an empty text."""
        return self.config.options.get(name) or self.mapping.options.get(name) or super().option(name)

    def original(self, data: bytes, media_type: str) -> Original:
        """An original of this driver and mapping."""
        return Original(data=data, media_type=media_type, parser=self.parser, parser_version=self.parser_version)


def json_item(data: bytes) -> Item:
    """The object that JSON text holds, numbers with a fraction as Decimal; raises SkippableRecord for anything else.

    Takes what sources send and no ledger holds: lone surrogates, NaN, integers of any size; `text.render` writes them.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SkippableRecord(f"not JSON in UTF-8: {error}") from None
    return json_text_item(text)


def json_text_item(text: str) -> dict[str, object]:
    """`json_item` of text that was decoded already; the same rules."""
    try:
        found = read_json(text)
    except (ValueError, RecursionError) as error:
        raise SkippableRecord(f"not JSON in UTF-8: {error}") from None
    if not isinstance(found, dict):
        raise SkippableRecord(f"JSON, but not an object: {type(found).__name__}")
    return found
