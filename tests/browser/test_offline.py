"""The verifier for people: opened from a file, without a network, it never says that a package holds which does not."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from reports import layout
from reports.standalone import verify_page
from reports.verdict import ExitCode
from reports.verify import verify_package
from tests.browser.offline import SEEN, Verifier, cosigned, opened, sealed
from tests.integration.reports.plant import Plant, plant
from tests.integration.reports.repack import Files, forge, pack, unpack
from tests.integration.reports.test_attacks import FORGERIES
from tests.support.sampled import WHOLE
from tests.support.seeds import SEED
from tests.unit.reports.test_strictzip import BROKEN

RECORDS = 120
MUTATIONS = 2000 if WHOLE else 40
OTHER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with plant(tmp_path_factory.mktemp("offline") / "ledger", RECORDS) as site:
        yield site


@pytest.fixture(scope="module")
def package(made: Plant, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packages") / "batch.zip"
    made.package(out, disclose=True)
    return out


@pytest.fixture(scope="module")
def verifier(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Verifier]:
    with opened(browser, tmp_path_factory.mktemp("page")) as one:
        yield one


def test_the_page_in_a_package_is_that_of_the_release(package: Path) -> None:
    assert unpack(package)[1][layout.PAGE] == verify_page()


@pytest.mark.requirement("R03")
def test_all_four_lines_hold_for_a_whole_package_that_the_policys_witness_has_seen(
    made: Plant, verifier: Verifier, tmp_path: Path
) -> None:
    path, policy = cosigned(made, tmp_path)
    found = verifier.judge(path, policy)
    assert found.sum == "holds", found
    assert set(found.lines.values()) == {"holds"}
    assert "2025-11-25 06:41:04 UTC" in verifier.page.inner_text("[data-line=date]"), SEEN
    under_key = verifier.judge(path, made.vkey)
    assert (under_key.sum, under_key.lines["date"]) == ("holds", "unknown")


def test_known_gaps_are_named_and_no_line_is_green_over_them(made: Plant, package: Path, verifier: Verifier) -> None:
    found = verifier.judge(package, made.vkey)
    assert found.sum == "holds"
    assert found.lines == {"unchanged": "holds", "complete": "unknown", "order": "holds", "date": "unknown"}
    assert "gaps that a source showed" in verifier.page.inner_text("[data-line=complete]")


def test_without_a_key_from_outside_no_line_is_green_and_with_another_one_it_is_wrong(
    made: Plant, package: Path, verifier: Verifier
) -> None:
    alone = verifier.judge(package)
    assert alone.sum == "unknown-key"
    assert set(alone.lines.values()) == {"unknown"}
    assert "Unknown key" in verifier.page.inner_text("#sum")
    other = verifier.judge(package, OTHER_KEY)
    assert other.sum == "wrong"
    assert "holds" not in other.lines.values()
    verifier.page.fill("#outside", made.vkey[:-4] + "AAAA")
    assert verifier.page.is_disabled("#again")
    assert "neither a key nor a policy" in verifier.page.inner_text("#outside-read")


def test_the_button_alters_a_copy_and_the_line_that_it_breaks_is_shown(
    made: Plant, package: Path, verifier: Verifier
) -> None:
    before = package.read_bytes()
    verifier.judge(package, made.vkey)
    verifier.page.click("#alter")
    verifier.page.wait_for_selector("#altered:not([hidden])")
    found = verifier.found()
    assert found.sum == "wrong"
    assert found.lines["unchanged"] == "fails"
    assert "holds" not in found.lines.values()
    assert f"{layout.RECORDS}: is not the file that manifest-sha256.txt lists" in found.problems
    assert "the body is not the one that its leaf commits to" in found.problems
    assert package.read_bytes() == before
    verifier.page.click("#again")
    verifier.page.wait_for_selector("#altered[hidden]", state="attached")
    assert verifier.found().sum == "holds"


def test_one_byte_changed_anywhere_is_found_as_at_the_terminal(
    made: Plant, package: Path, verifier: Verifier, tmp_path: Path
) -> None:
    data = bytearray(package.read_bytes())
    dice = random.Random(SEED)
    zipped = {dice.randrange(len(data)) for _ in range(MUTATIONS)} | {dice.randrange(len(data) - 3000, len(data))}
    target = tmp_path / "changed.zip"
    for place in sorted(zipped):
        changed = bytearray(data)
        changed[place] ^= 1 << dice.randrange(8)
        target.write_bytes(changed)
        assert verify_package(target, [made.vkey]).exit_code is ExitCode.WRONG
        found = verifier.judge(target, made.vkey)
        assert found.sum == "wrong", place
        assert "holds" not in found.lines.values()


def test_one_byte_of_any_file_is_found_though_container_and_manifests_are_made_anew(
    made: Plant, package: Path, verifier: Verifier, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    for name in sorted(unpack(package)[1]):
        if name == layout.SEAL or not name.startswith("data/"):
            continue

        def change(files: Files, name: str = name) -> Files:
            data = bytearray(files[name])
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
            return {**files, name: bytes(data)}

        if not unpack(package)[1][name]:
            continue
        path = forge(package, tmp_path / "forged.zip", change)
        assert verify_package(path, [made.vkey]).exit_code is ExitCode.WRONG
        assert verifier.judge(path, made.vkey).sum == "wrong", name


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_with_every_manifest_made_anew_is_found(
    name: str, made: Plant, package: Path, verifier: Verifier, tmp_path: Path
) -> None:
    change, named = FORGERIES[name]
    path = forge(package, tmp_path / "forged.zip", change)
    for outside in (made.vkey, ""):
        found = verifier.judge(path, outside)
        assert found.sum == "wrong"
        assert named in found.problems
        assert "holds" not in found.lines.values()


def _lines(name: str, change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Files], Files]:
    return lambda files: {**files, name: b"".join(change(files[name].splitlines(keepends=True)))}


def _swapped(data: bytes) -> bytes:
    """A run's line with its first two leaf hashes in the other order."""
    line = json.loads(data)
    line["leaves"][:2] = line["leaves"][1::-1]
    return json.dumps(line, sort_keys=True, separators=(",", ":")).encode() + b"\n"


INSIDE: dict[str, tuple[Callable[[Files], Files], str, str]] = {
    "a-record-dropped": (
        _lines(layout.RECORDS, lambda all_: all_[:3] + all_[4:]),
        "unchanged",
        "its original is not in",
    ),
    "a-record-twice": (
        _lines(layout.RECORDS, lambda all_: [*all_[:3], *all_[2:]]),
        *("order", "does not stand in the order of the log"),
    ),
    "two-records-swapped": (
        _lines(layout.RECORDS, lambda all_: [all_[1], all_[0], *all_[2:]]),
        *("order", "does not stand in the order of the log"),
    ),
    "an-original-dropped": (
        _lines(layout.ORIGINALS, lambda all_: all_[1:]),
        *("unchanged", f"its original is not in {layout.ORIGINALS}"),
    ),
    "an-original-twice": (
        _lines(layout.ORIGINALS, lambda all_: [*all_, all_[-1]]),
        *("unchanged", "has an original that no record names"),
    ),
    "a-run-dropped": (
        _lines(layout.ENTRIES, lambda all_: all_[:-2] + all_[-1:]),
        *("complete", "has a run that the entries do not have"),
    ),
    "leaves-of-a-run-swapped": (
        _lines(layout.RUNS, lambda all_: [_swapped(all_[0]), *all_[1:]]),
        *("complete", "its chain does not run over"),
    ),
    "csv-altered": (FORGERIES["csv-altered"][0], "unchanged", "does not say what the records say"),
}


@pytest.mark.parametrize("name", INSIDE)
def test_who_holds_the_report_key_cannot_seal_another_package_than_the_log_gives(
    name: str, made: Plant, package: Path, verifier: Verifier, tmp_path: Path
) -> None:
    change, line, words = INSIDE[name]
    folder, files = unpack(package)
    path = pack(folder, sealed(made, change(files)), tmp_path / "resealed.zip")
    assert verify_package(path, [made.vkey]).exit_code is ExitCode.WRONG
    found = verifier.judge(path, made.vkey)
    assert found.sum == "wrong"
    assert found.lines[line] == "fails", found
    assert words in found.problems
    assert "holds" not in found.lines.values()


def test_what_is_sealed_anew_as_it_was_still_holds(
    made: Plant, package: Path, verifier: Verifier, tmp_path: Path
) -> None:
    """The test above can fail: the sealing itself breaks nothing."""
    folder, files = unpack(package)
    path = pack(folder, sealed(made, files), tmp_path / "resealed.zip")
    assert verifier.judge(path, made.vkey).sum == "holds"


def test_no_hostile_container_is_opened(verifier: Verifier) -> None:
    for name, data in BROKEN.items():
        found = verifier.judge(data, OTHER_KEY)
        assert found.sum == "wrong", name
        assert found.problems.startswith("the zip container: "), (name, found.problems)


def test_no_text_of_a_package_becomes_part_of_the_page(made: Plant, package: Path, verifier: Verifier) -> None:
    folder, files = unpack(package)
    hostile = '"type":"<img src=x onerror=alert(1)>\u202e"'.encode()
    records = files[layout.RECORDS].replace(b'"type":"tag"', hostile, 1)
    path = pack(folder, {**files, layout.RECORDS: records}, package.with_name("hostile.zip"))
    assert verifier.judge(path, made.vkey).sum == "wrong"
    assert "<img src=x onerror=alert(1)>⟨U+202E⟩" in verifier.page.inner_text("#records")
    assert verifier.page.locator("img").count() == 0
    assert "\u202e" not in verifier.page.content()


def test_the_page_is_accessible_with_a_verdict_on_it_in_both_themes(
    made: Plant, package: Path, verifier: Verifier
) -> None:
    verifier.judge(package, made.vkey)
    # axe is a script of the test's own, which the page's policy would not run.
    for scheme in ("light", "dark"):
        context = verifier.page.context.browser.new_context(bypass_csp=True, color_scheme=scheme)  # type: ignore[union-attr]
        page = context.new_page()
        page.goto(verifier.page.url)
        Verifier(page).judge(package, made.vkey)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        context.close()
