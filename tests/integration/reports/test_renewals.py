"""A package carries the renewals of its time-stamps: they go on dating its records once what they rest on has aged."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes

from collectors.demo.tsa import TsaAuthority
from ledger.core import canonical
from ledger.core.clock import MICROSECONDS, SystemClock
from ledger.core.hashing import b64, unb64
from ledger.trust.renewing import Renewing
from reports import layout
from reports.verdict import ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.integration.reports.plant import AUTHORITY, plant
from tests.integration.reports.repack import unpack
from tests.integration.reports.test_time_stamps import ALL, Dated, check
from tests.support.tsa import URL, Stamper

DAY_US = 86_400 * MICROSECONDS


class Renewed(Dated):
    """A dated plant whose time-stamps were renewed: by an authority of the same age, then by a stronger one."""

    def __init__(self, folder: Path, made: Any, stamper: Stamper) -> None:
        super().__init__(folder, made, stamper)
        service = made.service
        assert [one.error for one in Renewing(service.store, self.stampers).renew("two")] == [""]
        service.publisher.publish_all()
        self.same_age = made.package(folder / "same-age.zip", ALL).path
        self.strong = Stamper(folder / "strong", TsaAuthority(SystemClock(), "strong", hashes.SHA512()))
        self.stampers.stampers["strong"], self.stampers.by = self.strong, "sha512"
        service.tsas.propose("strong", f"{URL}/strong", (self.strong.root,), "for the test", AUTHORITY)
        service.tsas.confirm("strong", "seen", self.staff.admin)
        assert [one.error for one in Renewing(service.store, self.stampers).renew("strong")] == [""]
        service.publisher.publish_all()
        self.unrenewed, self.path = self.path, made.package(folder / "renewed.zip", ALL).path
        self.name, self.files = unpack(self.path)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[layout.RENEWALS].splitlines()]

    def judged(self, path: Path, since_us: int, *roots: bytes) -> PackageVerdict:
        """The verdict where SHA-256 is distrusted from a moment on."""
        return verify_package(path, [self.plant.vkey], tsa_roots=roots, weak={"sha256": since_us})


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory, stamper: Stamper) -> Iterator[Renewed]:
    folder = tmp_path_factory.mktemp("renewed")
    with plant(folder / "ledger", 40) as made:
        yield Renewed(folder, made, stamper)


def test_a_package_holds_the_chain_of_renewals_of_its_time_stamps(renewed: Renewed) -> None:
    by = {line["tsa"]: [one["index"] for one in line["covers"]] for line in renewed.lines}
    stamps = [json.loads(line)["index"] for line in renewed.files[layout.STAMPS].splitlines()]
    assert by["two"] == sorted(stamps)
    assert by["strong"] == [*sorted(stamps), renewed.lines[0]["index"]], "the earlier renewal is covered, too"
    found = renewed.verify(None, renewed.root)
    assert (found.exit_code, check(found).outcome) == (ExitCode.HOLDS, Outcome.HOLDS), found.lines()
    assert "renewed" not in check(found, "Time-stamp by one").says, "no renewal of it is by an authority that is pinned"
    both = renewed.verify(None, renewed.root, renewed.strong.root)
    assert "renewed, first by strong at" in check(both, "Time-stamp by one").says
    assert "renewed, first by two at" in check(renewed.verify(), "Time-stamp by one").says


def test_what_aged_is_carried_by_a_renewal_from_before_that_does_not_rest_on_it(renewed: Renewed) -> None:
    tomorrow = SystemClock().now_us() + DAY_US
    assert renewed.judged(renewed.path, tomorrow).exit_code is ExitCode.HOLDS
    pinned = renewed.judged(renewed.path, tomorrow, renewed.root, renewed.strong.root)
    assert (pinned.exit_code, check(pinned).outcome) == (ExitCode.HOLDS, Outcome.HOLDS), pinned.lines()
    for path in (renewed.unrenewed, renewed.same_age):
        found = renewed.judged(path, tomorrow)
        assert found.exit_code is ExitCode.WRONG
        assert any("sha256 is trusted no more" in problem.what for problem in found.problems), found.problems
    late = renewed.judged(renewed.path, SystemClock().now_us() - DAY_US)
    assert late.exit_code is ExitCode.WRONG, "the renewal came after the day"
    alone = renewed.judged(renewed.path, tomorrow, renewed.root)
    assert alone.exit_code is ExitCode.WRONG, "a renewal by an authority that was not given carries nothing for whoever"
    assert "no time-stamp by an authority whose root was given" in alone.lines()[1]


def _flipped(text: str, size: int | None = None) -> str:
    data = bytearray(unb64(text, size))
    data[-1] ^= 1
    return b64(bytes(data))


@pytest.mark.parametrize(
    ("attack", "why"),
    [
        (lambda lines: lines.pop(), "does not tell of the renewals"),
        (lambda lines: lines.reverse(), "does not stand in the order of the log"),
        (lambda lines: lines[0].update(covers=[]), "covers no time-stamp of the package"),
        (lambda lines: lines[0].update(high=lines[0]["index"] + 1), "does not stand in the order of the log"),
        (lambda lines: lines[0].update(count=lines[0]["count"] + 1), "the path to the tree"),
        (lambda lines: lines[0].update(root=_flipped(lines[0]["root"])), "does not cover"),
        (lambda lines: lines[0].update(token=lines[1]["token"]), "other bytes"),
        (lambda lines: lines[0].update(origin="other.example/ledger"), "other bytes"),
        (lambda lines: lines[1]["covers"][0].update(index=10**9), "which the package does not hold"),
        (lambda lines: lines[1]["covers"][0].update(place=lines[1]["covers"][1]["place"]), "does not cover"),
        (lambda lines: lines[1]["covers"][0].update(path=lines[1]["covers"][1]["path"]), "does not cover"),
        (lambda lines: lines[1]["covers"][0]["path"].pop(), "too short"),
        (lambda lines: lines[1]["covers"][0]["path"].append(lines[1]["root"]), "too long"),
    ],
)
def test_what_is_done_to_renewals_is_found(
    renewed: Renewed, tmp_path: Path, attack: Callable[[list[dict[str, Any]]], object], why: str
) -> None:
    lines = renewed.lines
    attack(lines)
    files = {**renewed.files, layout.RENEWALS: b"".join(canonical.dumps(line) + b"\n" for line in lines)}
    found = renewed.verify(renewed.forged(files, tmp_path / "forged.zip"))
    assert found.exit_code is ExitCode.WRONG
    wrong = [problem.what for problem in found.problems if layout.RENEWALS in problem.where]
    assert any(why in what for what in wrong), found.problems


def test_resealing_alone_changes_nothing(renewed: Renewed, tmp_path: Path) -> None:
    same = renewed.forged(renewed.files, tmp_path / "same.zip")
    assert renewed.verify(same).exit_code is ExitCode.HOLDS
