"""Retention classes: how long an entry of a kind, or a record of a source, is kept at least."""

from enum import StrEnum


class RetentionClass(StrEnum):
    """Named at the kind (Trailseal's own entries) and at the source (records); the periods are configuration.

    `PERMANENT` is never disposable: kinds that describe Trailseal itself.
    """

    PERMANENT = "permanent"
    BATCH = "batch"
    EQUIPMENT = "equipment"
    VALIDATION = "validation"
    OPERATIONAL = "operational"
