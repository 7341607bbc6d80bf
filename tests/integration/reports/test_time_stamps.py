"""Time-stamps in a package: they date its records offline, and what was done to them is found."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core import canonical
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from ledger.store.question import Query
from ledger.trace.selection import BySearch
from ledger.trust.kept_tokens import KeptTokens
from ledger.trust.stamping import Stamping
from reports import bag, layout
from reports.layout import decode_description, seal_payload
from reports.verdict import Check, ExitCode, Outcome, PackageVerdict
from reports.verify import verify_package
from tests.cli.terminal import trailseal
from tests.integration.reports.forger import rebuild
from tests.integration.reports.plant import AUTHORITY, Plant, plant
from tests.integration.reports.repack import Files, pack, unpack, with_manifests
from tests.support.staff import Staff
from tests.support.tsa import URL, Stamper, Stampers

ALL = BySearch(query=Query())


class Dated:
    """A small plant that two authorities of time have dated, and its package."""

    def __init__(self, folder: Path, made: Plant, stamper: Stamper) -> None:
        self.folder, self.plant = folder, made
        self.stampers = Stampers(SystemClock(), one=stamper, two=Stamper(folder / "two"))
        service, staff = made.service, Staff(made.service)
        self.staff = staff
        for name, one in self.stampers.stampers.items():
            service.tsas.propose(name, f"{URL}/{name}", (one.root,), "for the test", AUTHORITY)
            service.tsas.confirm(name, "seen", staff.admin)
        service.publisher.publish_all()
        stamping = Stamping(service.store, KeptTokens(service.folder), self.stampers)
        assert not any(one.error for one in stamping.stamp())
        # The package's own checkpoint is a later one, which nobody has dated.
        service.sources.register(SourceConfig(id="later", type="test", title="Later"), AUTHORITY)
        service.publisher.publish_all()
        self.path = folder / "dated.zip"
        made.package(self.path, ALL)
        self.name, self.files = unpack(self.path)

    @property
    def root(self) -> bytes:
        return self.stampers.stampers["one"].root

    def verify(self, path: Path | None = None, *roots: bytes) -> PackageVerdict:
        return verify_package(path or self.path, [self.plant.vkey], tsa_roots=roots)

    def forged(self, files: Files, to: Path) -> Path:
        """The package with these files, sealed again by a thief of the report key."""
        files = {name: data for name, data in files.items() if name not in (layout.SEAL, *bag.TAG_MANIFESTS)}
        files = {**with_manifests({**files, layout.SEAL: b""})}
        description = decode_description(files[layout.DESCRIPTION])
        digests = {name: bag.digest([data]) for name, data in files.items()}
        payload = {**seal_payload(description, digests), "origin": description.origin}
        return pack(self.name, with_manifests({**files, layout.SEAL: self.plant.seal(payload)}), to)


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory, stamper: Stamper) -> Iterator[Dated]:
    folder = tmp_path_factory.mktemp("dated")
    with plant(folder / "ledger", 40) as made:
        yield Dated(folder, made, stamper)


def check(verdict: PackageVerdict, name: str = "Time-stamps") -> Check:
    return next(one for one in verdict.checks if one.name == name)


def test_records_are_dated_from_outside_once_a_root_is_given(dated: Dated) -> None:
    without = dated.verify()
    assert (without.exit_code, check(without).outcome) == (ExitCode.HOLDS, Outcome.UNKNOWN)
    assert "AUTHORITY IS NOT PINNED" in check(without).says
    pinned = dated.verify(None, dated.root)
    found = check(pinned)
    assert (pinned.exit_code, found.outcome) == (ExitCode.HOLDS, Outcome.HOLDS), pinned.lines()
    assert found.says.startswith(f"{pinned.records} of {pinned.records} records are dated from outside the log")
    outcomes = {name: check(pinned, f"Time-stamp by {name}").outcome for name in ("one", "two")}
    assert outcomes == {"one": Outcome.HOLDS, "two": Outcome.UNKNOWN}, "only one of them was pinned"
    stranger = Stamper(dated.folder / "stranger")
    other = dated.verify(None, stranger.root)
    assert other.exit_code is ExitCode.WRONG
    assert "no time-stamp by an authority whose root was given" in other.lines()[1]


def test_the_report_says_by_when_its_records_existed_and_who_says_so(dated: Dated, tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(dated.files[layout.REPORT])
    text = subprocess.run(["pdftotext", "-raw", report, "-"], capture_output=True, text=True, check=True).stdout
    first = " ".join(text.split("\f")[0].split())
    count = dated.verify().records
    said = re.search(rf"{count} of {count} records were there by (\S+ \S+ UTC), by the time-stamps of one, two", first)
    assert said is not None, first
    # As the verifier says it, to the millisecond.
    verified = re.search(r"all of these existed by (\S+?)Z", check(dated.verify()).says)
    assert verified is not None
    assert verified[1][:23].replace("T", " ") == said[1].removesuffix(" UTC")


def test_the_files_verify_by_openssl_alone(dated: Dated, tmp_path: Path) -> None:
    token = next(name for name in dated.files if name.endswith(".tsr"))
    lines = [json.loads(one) for one in dated.files[layout.STAMPS].splitlines()]
    line = next(one for one in lines if layout.stamp(one["index"], "tsr") == token)
    for name, data in (
        ("token", dated.files[token]),
        ("text", dated.files[layout.stamp(line["size"], "checkpoint")]),
        ("root", dated.files[layout.stamp(line["pinned"], "pem")]),
    ):
        (tmp_path / name).write_bytes(data)
    run = ["openssl", "ts", "-verify", "-data", "text", "-in", "token", "-CAfile", "root"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, check=False)
    assert b"Verification: OK" in done.stdout + done.stderr, done.stderr


def test_the_command_takes_roots_from_outside(dated: Dated, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(x509.load_der_x509_certificate(dated.root).public_bytes(Encoding.PEM))
    done = trailseal("verify", dated.path, "--vkey", dated.plant.vkey, "--tsa-root", root)
    assert (done.code, "by an authority whose root was given from outside" in done.out) == (0, True), done.out


@pytest.mark.parametrize(
    "attack",
    [
        "token of another checkpoint",
        "checkpoint of another size",
        "certificates of a stranger",
        "no proof",
        "a stamp dropped",
        "a file too many",
        "all dropped, described so",
    ],
)
def test_what_is_done_to_time_stamps_is_found(dated: Dated, tmp_path: Path, attack: str) -> None:
    files = dict(dated.files)
    lines = [json.loads(line) for line in files[layout.STAMPS].splitlines()]
    token, size = layout.stamp(lines[0]["index"], "tsr"), layout.stamp(lines[0]["size"], "checkpoint")
    wrong = token
    if attack == "token of another checkpoint":
        files[token] = next(KeptTokens(dated.plant.service.folder).of("system")).token
    elif attack == "checkpoint of another size":
        origin, number, *rest = files[size].decode().split("\n")
        files[size] = "\n".join((origin, str(int(number) - 1), *rest)).encode()
    elif attack == "certificates of a stranger":
        stranger = Stamper(tmp_path / "stranger").authority.pem
        files[layout.stamp(lines[0]["pinned"], "pem")] = stranger
    elif attack == "no proof":
        lines[0]["proof"] = []
        files[layout.STAMPS] = _encoded(lines)
    elif attack == "a stamp dropped":
        del files[token]
        files[layout.STAMPS] = _encoded(lines[1:])
        wrong = layout.STAMPS
    elif attack == "a file too many":
        wrong = layout.stamp(99999, "tsr")
        files[wrong] = files[token]
    else:
        files = {name: data for name, data in files.items() if not layout.is_stamp(name) and name != layout.STAMPS}
        description = json.loads(files[layout.DESCRIPTION])
        del description["time_stamps"]
        files[layout.DESCRIPTION] = _encoded([description])
        wrong = layout.STAMPS
    verdict = dated.verify(dated.forged(files, tmp_path / "forged.zip"), dated.root)
    assert verdict.exit_code is ExitCode.WRONG
    assert wrong in {problem.where for problem in verdict.problems}, verdict.lines()[:6]
    assert check(verdict).outcome is Outcome.FAILS


def test_a_package_made_anew_under_the_stolen_log_key_is_no_continuation_of_what_was_dated(
    dated: Dated, tmp_path: Path
) -> None:
    """The whole log is another one, signed by its own key; the time-stamps of the true one are kept."""
    keys, log = dated.plant.service.keys, dated.plant.log
    note, report = keys.log_signer(log.name, log.origin), keys.report_signer(log.name, log.origin)
    files = rebuild(dict(dated.files), note, report)
    verdict = dated.verify(dated.forged(files, tmp_path / "forged.zip"), dated.root)
    assert verdict.exit_code is ExitCode.WRONG
    found = {problem.where for problem in verdict.problems}
    assert any(layout.is_stamp(name) for name in found), verdict.lines()[:8]


def _encoded(lines: list[dict[str, object]]) -> bytes:
    return b"".join(canonical.dumps(line) + b"\n" for line in lines)
