"""What a source's own audit trail lacks: as its mapping says, or else as its type does."""

from collectors.mapping.model import read_mapping
from collectors.registry import collector_type
from ledger.core.source import PUSH, SourceConfig


def lacks_of(config: SourceConfig) -> tuple[str, ...]:
    """What the source's own trail lacks; nothing is known of one that is pushed to us without a mapping."""
    if config.mapping is not None:
        return read_mapping(config.mapping).lacks
    return () if config.type == PUSH else collector_type(config.type).lacks
