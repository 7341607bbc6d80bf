"""A package holds the rules by which its records belong, and whoever verifies it finds what does not follow them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core import canonical
from ledger.core.record import Action, LinkKind
from ledger.core.statement import sign_report
from ledger.trace.evidence import gather
from ledger.trace.selection import ByBatch
from reports import layout
from reports.package import build
from reports.sections.scope import rule_text
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.integration.reports.repack import Files, forge, unpack
from tests.unit.trace.small import Small, said, small
from tests.unit.trace.test_windows import mapped, of, rule

STORED = Path(__file__).parent / "stored" / "rules-not-held.zip"
VKEY = "small.example/site/records+b906e95d+AaLGKQDjokCEIVu1PLs05uhHgyIHl5QJGOSmJ1ZuhUZR"


class Packed:
    """A package, the key to verify it by, and the entries of its records by their numbers."""

    def __init__(self, ledger: Small, path: Path) -> None:
        self.path = path
        self.vkey = ledger.service.vkey(ledger.log)
        self.index = dict(ledger.index)

    def problems(self, out: Path, change: Callable[[Files], Files]) -> set[str]:
        """What is found of the records once the files were changed, all manifests made anew."""
        verdict = verify_package(forge(self.path, out, change), [self.vkey])
        assert verdict.exit_code is ExitCode.WRONG
        return {f"{one.where.partition(' in ')[0]} {one.what}" for one in verdict.problems}


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    """A batch: before it back to a clearance, after it so many seconds, one interval of it without a rule."""
    folder = tmp_path_factory.mktemp("rules")
    with small(folder / "ledger") as ledger:
        ledger.service.record_log().parameters.put(ledger.log.number, [rule("reactor")])
        mapped(ledger, "K-1", "K-1")
        ledger.collect(
            [
                of(said(1, 60, equipment="K-1"), "clearance"), said(2, 70, equipment="K-1"),
                said(3, 90, Action.START, batch="C1", equipment="K-1"), said(4, 150, equipment="K-1"),
                said(5, 200, Action.STOP, batch="C1", equipment="K-1"), said(6, 205, equipment="K-1"),
                said(7, 300, Action.START, batch="C1", equipment="UNRULED"), said(8, 310, equipment="UNRULED"),
                said(9, 320, Action.STOP, batch="C1", equipment="UNRULED"),
            ]
        )  # fmt: skip
        service, log = ledger.service, ledger.log

        def seal(payload: Any) -> bytes:
            return sign_report(log.origin, payload, service.keys.report_key(log.name))

        with gather(service.store, log, ByBatch(kind=LinkKind.BATCH, id="C1")) as evidence:
            build(evidence, folder / "package.zip", seal, product="trailseal test", disclose=False, zone="UTC")
        yield Packed(ledger, folder / "package.zip")


def why(index: int, **changed: Any) -> Callable[[Files], Files]:
    """Says something else of why a record belongs."""

    def change(files: Files) -> Files:
        lines = [json.loads(line) for line in files[layout.RECORDS].splitlines()]
        (one,) = [line for line in lines if line["index"] == index]
        one["why"] |= changed
        return files | {layout.RECORDS: b"".join(canonical.dumps(line) + b"\n" for line in lines)}

    return change


@pytest.mark.requirement("R71", "R66")
def test_a_package_holds_the_rule_that_its_records_follow(packed: Packed) -> None:
    assert verify_package(packed.path, [packed.vkey]).exit_code is ExitCode.HOLDS
    _, files = unpack(packed.path)
    (held,) = [
        entry for line in files[layout.ENTRIES].splitlines() if (entry := json.loads(line))["role"] == "occupation-rule"
    ]
    assert json.loads(held["body"]["value"])["before_types"] == ["clearance"]
    assert json.loads(files[layout.DESCRIPTION])["rules"] == 1
    lines = {line["index"]: line for line in map(json.loads, files[layout.RECORDS].splitlines())}
    rules = {number: lines[index].get("why", {}).get("rule") for number, index in packed.index.items()}
    assert rules == dict.fromkeys((1, 2, 4, 6), held["index"]) | dict.fromkeys((3, 5, 7, 8, 9))


@pytest.mark.parametrize(
    ("number", "changed", "said"),
    [
        (2, {"rule": 0}, "follows the rule in entry 0, which the package does not hold"),
        (2, {"after": "2025-11-25T07:01:09.000000Z"}, "belongs from a moment on that neither its rule nor a record"),
        (6, {"before": "2025-11-25T07:03:28.000000Z"}, "belongs up to a moment that neither its rule nor a record"),
        (8, {"after": "2025-11-25T07:04:55.000000Z"}, "belongs from a moment on that neither its rule nor a record"),
        (2, {"phase": "during"}, "is said to have happened while the equipment was had, and was before"),
        (6, {"phase": "during"}, "is said to have happened while the equipment was had, and was after"),
        (4, {"phase": "before"}, "is said to have happened before the equipment was had, and did not"),
        (4, {"phase": "after"}, "is said to have happened after the equipment was had, and did not"),
        (4, {"before": "2025-11-25T07:01:00.000000Z"}, "happened outside the interval by which it is to belong"),
        (6, {"before": None}, "belongs up to a moment that neither its rule nor a record"),
    ],
)
def test_what_does_not_follow_its_rule_is_named(
    packed: Packed, tmp_path: Path, number: int, changed: dict[str, Any], said: str
) -> None:
    index = packed.index[number]
    found = packed.problems(tmp_path / "forged.zip", why(index, **changed))
    assert any(problem.startswith(f"entry {index} {said}") for problem in found), found


def test_the_report_says_what_the_rule_adds() -> None:
    assert rule_text(12345, rule("reactor")) == (
        "By the rule in entry 12\u202f345, for equipment of class reactor, time before belongs: back to the last "
        "record of clearance within 1 min 40 s, else 5.000 s; and time after: up to the first record of monitoring "
        "within 50.0 s, else 7.000 s."
    )


def test_a_rule_that_was_left_out_or_is_none_is_missed(packed: Packed, tmp_path: Path) -> None:
    def left_out(files: Files) -> Files:
        kept = [line for line in files[layout.ENTRIES].splitlines(keepends=True) if b'"occupation-rule"' not in line]
        return files | {layout.ENTRIES: b"".join(kept)}

    def other(files: Files) -> Files:
        return files | {layout.ENTRIES: files[layout.ENTRIES].replace(b'"role":"source"', b'"role":"occupation-rule"')}

    found = packed.problems(tmp_path / "forged.zip", left_out)
    assert any("does not hold the rules of what belongs" in problem for problem in found)
    assert any(
        "is of kind source, not what a occupation-rule entry is" in problem
        for problem in packed.problems(tmp_path / "f.zip", other)
    )


def test_a_package_from_before_rules_were_held_verifies_as_it_did(tmp_path: Path) -> None:
    """Stored as it was written then."""
    assert verify_package(STORED, [VKEY]).exit_code is ExitCode.HOLDS
    _, files = unpack(STORED)
    assert "rules" not in json.loads(files[layout.DESCRIPTION])
    assert b'"rule":' in files[layout.RECORDS]
