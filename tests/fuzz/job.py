"""What a fuzzing process is to do, and what it found, as files between it and who started it."""

from pathlib import Path

import msgspec

from ledger.core.source import SourceConfig

INPUTS = 1_000_000
"""To the reader of each source type in `make soak`."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """All of a seed but its bytes: how such an original is to be read."""

    media_type: str
    parser: str
    parser_version: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """So many inputs to the reader of this source. The first byte of an input chooses one of the forms."""

    config: SourceConfig
    secrets: dict[str, str]
    forms: tuple[Form, ...]
    inputs: int


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How many inputs became records and how many were refused; memory in bytes after a tenth of them, and at the end.

    `slowest_s`: the longest that one input took.
    """

    records: int
    refused: int
    memory_early: int
    memory_late: int
    slowest_s: float


JOB_FILE = Path("job.json")
OUTCOME_FILE = Path("outcome.json")
CORPUS_FOLDER = Path("corpus")
