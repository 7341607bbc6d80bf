"""The original of something that a backup program said, and what a mapping sees of it.

A snapshot (borg: archive) stands as the program's own JSON, byte for byte. That one is gone, stands with what was last
said of it and the two looks between which it went. A check stands with the program's output; a report with the JSON
that some job left, and its file.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from collectors.mapping.collector import json_item
from collectors.mapping.expression import Item
from ledger.core.errors import SkippableRecord

MEDIA_TYPE: Final = "application/json"
COLLECTOR: Final = "trailseal collector"
"""Who runs a check."""


class BackupOriginal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """See the module. `at` is when a check began, or a report's file was last changed; `code` how a check ended, null
    where it did not end in time; `after` and `before` are the looks around a disappearance.
    """

    kind: Literal["snapshot", "gone", "check", "report"]
    key: str
    program: str = ""
    text: str = ""
    file: str = ""
    at: str = ""
    ended: str = ""
    after: str = ""
    before: str = ""
    version: str = ""
    code: int | None = None
    output: str = ""
    statistics: str = ""


def backup_item(data: bytes) -> Item:
    """What a mapping sees; raises SkippableRecord for what is no such original."""
    try:
        found = msgspec.json.decode(data, type=BackupOriginal)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of a backup: {error}") from None
    common = {"kind": found.kind, "key": found.key, "program": found.program}
    if found.kind == "check":
        return common | {
            "by": COLLECTOR,
            "check": {
                "at": found.at,
                "ended": found.ended,
                "version": found.version,
                "code": "none" if found.code is None else found.code,
                "output": found.output,
                "statistics": _object(found.statistics) if found.statistics else None,
            },
        }
    said = _object(found.text)
    if found.kind == "report":
        return common | {"what": _kind_of(said), "report": said, "file": {"name": found.file, "modified": found.at}}
    if found.key.rpartition("/")[2] != said.get("id"):
        raise SkippableRecord("the snapshot has another id")
    if found.kind == "gone":
        return common | {"removed": said, "at": f"{found.after}/{found.before}"}
    return common | {"snapshot": said}


def _object(text: str) -> Item:
    try:
        return json_item(text.encode())
    except UnicodeEncodeError:
        raise SkippableRecord("JSON that is no text") from None


def _kind_of(report: Mapping[str, object]) -> str:
    """What a report is about: what it says itself (`operation`), else what members of restic and borg tell."""
    said = report.get("operation")
    if isinstance(said, str) and said:
        return said
    if "num_errors" in report:
        return "check"
    if "files_restored" in report or "total_restored" in report:
        return "restore"
    if "snapshot_id" in report or "files_new" in report or "archive" in report:
        return "backup"
    return "report"
