"""The checkpoint card by commands: printed, kept outside, and brought along to a ledger, a package and tiles."""

import io
import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pypdf
import pytest
import zxingcpp
from PIL import Image

from ledger.core.card import Card
from ledger.core.hashing import unb64
from ledger.core.note import parse_note
from ledger.present.card import root_of_words
from tests.cli.conftest import SOURCE, Site, filled, lines_of
from tests.cli.terminal import trailseal

OTHER_ROOT = "abandon " * 23 + "art"


class Carded:
    """A ledger of five records with the card of its record log; what was issued and published at that size."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = filled(folder)
        self.paper = folder / "card.pdf"
        self.card = self.site("witness", "card", "--out", self.paper, "--json").json()
        self.origin, self.size = str(self.card["origin"]), int(self.card["size"])
        self.note = folder / "note.txt"
        self.note.write_text(self.card["note"])
        self.tiles = folder / "tiles"
        assert self.site("tiles", "export", "--out", self.tiles).code == 0
        self.package = folder / "evidence.zip"
        assert self.site("package", "--out", self.package, "--query", "{}").code == 0
        self.typed = self.typed_at(self.size, " ".join(self.card["words"]))

    def typed_at(self, size: int, words: str = OTHER_ROOT) -> str:
        return f"{self.origin} {size} {words}"

    def copy(self, name: str) -> Site:
        shutil.copytree(self.site.folder, self.folder / name)
        return Site(self.folder / name, self.site.made, self.folder / f"{name}.jsonl")


@pytest.fixture(scope="module")
def carded(tmp_path_factory: pytest.TempPathFactory) -> Carded:
    return Carded(tmp_path_factory.mktemp("carded"))


def test_the_page_bears_size_words_key_and_a_qr_code_that_is_the_signed_checkpoint(carded: Carded) -> None:
    (page,) = pypdf.PdfReader(carded.paper).pages
    text = " ".join(page.extract_text().split())
    vkey = carded.site.made["vkey"]
    digest = sha256(vkey.encode()).hexdigest()
    fingerprint = " ".join(digest[at : at + 4] for at in range(0, 64, 4))
    numbered = " ".join(f"{number} {word}" for number, word in enumerate(carded.card["words"], start=1))
    for words in (f"{carded.size} entries", carded.origin, carded.card["root"], vkey, fingerprint, numbered):
        assert words in text
    assert "no witness had cosigned" in text
    drawn = subprocess.run(["pdftoppm", "-r", "150", "-png", carded.paper], capture_output=True, check=True, timeout=60)
    (code,) = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn.stdout)))
    assert code.text == carded.card["note"]
    assert parse_note(code.text.encode()).signatures[0].name == carded.origin
    root = unb64(carded.card["root"])
    assert Card.parse(code.text) == Card(origin=carded.origin, size=carded.size, root=root)
    assert root_of_words(carded.card["words"]) == root


def test_a_card_is_never_written_over_a_file_and_only_of_a_checkpoint_that_there_is(carded: Carded) -> None:
    before = carded.paper.read_bytes()
    assert "exists already" in carded.site("witness", "card", "--out", carded.paper).err
    assert carded.paper.read_bytes() == before
    absent = carded.site("witness", "card", "--out", carded.folder / "absent.pdf", "--size", "999")
    assert (absent.code, "no checkpoint of size 999" in absent.err) == (1, True)
    again = carded.folder / "again.pdf"
    assert carded.site("witness", "card", "--out", again, "--size", str(carded.size), "--paper", "letter").code == 0
    (page,) = pypdf.PdfReader(again).pages
    assert (float(page.mediabox.width), float(page.mediabox.height)) == (612, 792)


def test_a_ledger_rewritten_or_cut_short_with_the_stolen_key_fails_by_the_card_alone(tmp_path: Path) -> None:
    """Each copy is whole in itself: database, key, and what its signer kept of its own."""
    carded = Carded(tmp_path)
    older, forked = carded.copy("older"), carded.copy("forked")
    for site, numbers in ((carded.site, range(7, 10)), (forked, range(20, 29))):
        site.file.write_bytes(lines_of(*numbers))
        assert site("append", site.file, "--source", SOURCE).code == 0
    card = carded.site("witness", "card", "--out", tmp_path / "later.pdf", "--json").json()
    typed = f"{carded.origin} {card['size']} {' '.join(card['words'])}"
    for site, levels in ((carded.site, {3: "holds", 5: "holds"}), (older, {5: "fails"}), (forked, {3: "fails"})):
        found = site("verify", "--log", "records", "--card", typed, "--json")
        (log,) = found.json()
        verdicts = {one["level"]: one["verdict"] for one in log["levels"]}
        assert levels.items() <= verdicts.items(), (site.folder, verdicts)
        assert found.code == (0 if site is carded.site else 1)
    assert forked("verify", "--log", "records", "--json").code == 0, "nothing else tells"


def test_a_card_of_a_log_that_is_not_verified_is_refused_not_passed_over(carded: Carded) -> None:
    for words, found in (
        (f"plant.example/other {carded.size} {OTHER_ROOT}", "is of log plant.example/other"),
        ("nothing", "no checkpoint card"),
        (carded.typed.replace(carded.card["words"][4], "batchh"), "'batchh', is none of the list"),
        (str(carded.paper), "cannot be read as text"),
    ):
        answer = carded.site("verify", "--card", words)
        assert (answer.code, found in answer.err) == (1, True), answer.err


def test_the_card_of_a_package_s_checkpoint_authenticates_it(carded: Carded) -> None:
    own = json.loads(trailseal("verify", carded.package, "--json").out)
    assert own["exit_code"] == 2
    own_card = f"{own['origin']}\n{own['size']}\n{own['root']}"
    right = trailseal("verify", carded.package, "--card", own_card)
    assert (right.code, "by the card of its checkpoint" in right.out, "NOT authenticated" in right.out) == (
        0,
        True,
        False,
    )
    wrong = trailseal("verify", carded.package, "--card", carded.typed_at(own["size"]))
    assert (wrong.code, "has another root than the card says" in wrong.out) == (1, True), wrong.out
    assert "NOT authenticated" in wrong.out
    keyed = trailseal("verify", carded.package, "--vkey", carded.site.made["vkey"])
    assert keyed.code == 0
    both = trailseal(
        "verify", carded.package, "--vkey", carded.site.made["vkey"], "--card", carded.typed_at(own["size"])
    )
    assert both.code == 1, "a key does not outvote the card"


def test_a_card_of_another_size_leaves_a_package_as_it_is_and_says_what_is_needed(carded: Carded) -> None:
    for options, code in ((("--vkey", carded.site.made["vkey"]), 0), ((), 2)):
        other = trailseal("verify", carded.package, *options, "--card", carded.typed_at(3))
        assert other.code == code
        assert "○ Card of size 3: the card is of size 3, the package of" in other.out
        assert "a card of the package's checkpoint is needed" in other.out


def test_tiles_pass_through_the_card_and_are_authenticated_by_their_own(carded: Carded) -> None:
    own = trailseal("verify", "--tiles", carded.tiles, "--json").json()
    assert (own["exit_code"], own["size"]) == (2, carded.size)
    right = trailseal("verify", "--tiles", carded.tiles, "--card", carded.note)
    assert (right.code, "authenticated by the card of its size and root" in right.out) == (0, True), right.out
    for size, found in (
        (carded.size, "shows two roots"),
        (2, "had another root at size 2"),
        (carded.size + 1, f"has shown {carded.size + 1} before"),
    ):
        wrong = trailseal("verify", "--tiles", carded.tiles, "--card", carded.typed_at(size))
        assert (wrong.code, found in wrong.out) == (1, True), wrong.out
    other = trailseal("verify", "--tiles", carded.tiles, "--card", f"plant.example/other 2 {OTHER_ROOT}")
    assert (other.code, "is of log plant.example/other" in other.err) == (1, True)


def test_tiles_with_the_card_of_an_earlier_size_are_held_to_it_and_not_authenticated_by_it(tmp_path: Path) -> None:
    carded = Carded(tmp_path)
    carded.site.file.write_bytes(lines_of(7))
    assert carded.site("append", carded.site.file, "--source", SOURCE).code == 0
    later = tmp_path / "later"
    assert carded.site("tiles", "export", "--out", later).code == 0
    for options, code in (((), 2), (("--vkey", carded.site.made["vkey"]), 0)):
        found = trailseal("verify", "--tiles", later, "--card", carded.typed, *options)
        assert found.code == code
        assert f"Card: of size {carded.size}; the log had that root at that size" in found.out


def test_init_prints_each_log_s_key_with_all_of_its_fingerprint_to_be_pinned_elsewhere(tmp_path: Path) -> None:
    made = trailseal("init", tmp_path / "ledger", "--origin", "plant.example/pinned")
    keys = [line.split()[-1] for line in made.out.splitlines() if line.startswith("  key ")]
    assert len(keys) == 2
    assert "To be pinned elsewhere" in made.out
    for key in keys:
        digest = sha256(key.encode()).hexdigest()
        assert " ".join(digest[at : at + 4] for at in range(0, 64, 4)) in made.out
