"""Checks messages against a site's own folder of XML schemas (B2MML and BatchML publish theirs)."""

from pathlib import Path
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from ledger.core.errors import ConfigError, SkippableRecord

_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_MAX_BYTES: Final = 32 * 1024 * 1024


class Schemas:
    """The schemas of a folder; each is compiled when a message first needs it."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError for a folder without schemas, or one whose schema is no XML."""
        self._files: dict[str, Path] = {}
        self._compiled: dict[Path, etree.XMLSchema] = {}
        try:
            paths = sorted(folder.glob("*.xsd"))
            for path in paths:
                self._note(path)
        except (OSError, etree.XMLSyntaxError) as error:
            raise ConfigError(
                f"the schemas in {folder} cannot be read: {error}", advice="Correct the folder."
            ) from None
        if not self._files:
            raise ConfigError(f"there is no schema in {folder}", advice="Put the XSD files of B2MML or BatchML there.")

    def __len__(self) -> int:
        """How many elements a message may have as its root."""
        return len(self._files)

    def check(self, root: etree._Element) -> None:
        """Raises SkippableRecord for a message that no schema knows, or that is not as its schema says."""
        path = self._files.get(root.tag)
        if path is None:
            raise SkippableRecord(f"no schema knows the message {root.tag}")
        if path not in self._compiled:
            try:
                self._compiled[path] = etree.XMLSchema(etree.parse(str(path), _parser()))
            except (etree.XMLSchemaParseError, etree.XMLSyntaxError, OSError) as error:
                raise SkippableRecord(f"the schema {path.name} cannot be used: {error}") from None
        schema = self._compiled[path]
        if not schema.validate(root):
            first = schema.error_log[0]
            raise SkippableRecord(f"not as the schema {path.name} says: line {first.line}: {first.message}")

    def _note(self, path: Path) -> None:
        if path.stat().st_size > _MAX_BYTES:
            raise OSError(0, f"{path.name} is too large")
        schema = etree.parse(str(path), _parser()).getroot()
        space = schema.get("targetNamespace")
        for element in schema.iterchildren(f"{_XS}element"):
            name = element.get("name")
            self._files.setdefault(f"{{{space}}}{name}" if space else str(name), path)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
