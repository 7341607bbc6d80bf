"""The modules of the verifier page decide every published case as the terminal's do; here they run in Node."""

import json
import re
import subprocess
from hashlib import sha256, sha512
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from ledger.core.errors import LedgerError
from ledger.core.note import ed25519_verify
from ledger.core.policy import Policy
from ledger.present.english import CATALOGUE
from reports.standalone import MODULES, joined, verify_page
from tests.shared import shared_path
from tests.support.node import NODE

_FOLDER = files("reports").joinpath("page")
_CASES = Path(__file__).with_name("standalone_cases.mjs")
_LOG = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
_ORDER = 2**252 + 27742317777372353535851937790883648493
_WITNESS = "witness.example/qa+fe9f55f8+BKw1g5nPW+/5QHhZryxcegFtAONxBP8a1Zg5DUF4bvLn"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All modules but those that know the document, as Node imports them."""
    path = tmp_path_factory.mktemp("page") / "library.mjs"
    given = ", ".join(f"{name}Module" for name in MODULES)
    path.write_text(f"{joined(MODULES)}\nexport {{ {given} }};\n", "utf-8")
    return path


def _ask(library: Path, what: str, given: Path | str = "") -> Any:
    """What a function of `standalone_cases.mjs` answers, of the page's modules."""
    script = f"""
import * as modules from {json.dumps(library.as_uri())};
import * as cases from {json.dumps(_CASES.as_uri())};
console.log(JSON.stringify(cases[{json.dumps(what)}](modules, process.argv[1])));
"""
    command: list[str | Path] = [NODE, "--input-type=module", "-e", script, str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_hashes_are_those_of_the_standard_library_at_every_edge_of_a_block(library: Path) -> None:
    parts = [bytes([length & 255]) * length for length in (0, 1, 55, 56, 63, 64, 111, 112, 127, 128, 300)]
    due = [made(part).hexdigest() for part in (*parts,) for made in (sha256, sha512)]
    due += [made(b"".join(parts)).hexdigest() for made in (sha256, sha512)]
    assert _ask(library, "hashes") == due


def test_every_published_ed25519_case_is_decided_as_at_the_terminal(library: Path) -> None:
    found = _ask(library, "ed25519", shared_path("vectors/ed25519/ed25519_test.json"))
    assert len(found) > 100
    assert [one for one in found if one[1] is not one[2]] == []


def test_no_point_of_small_order_and_no_second_way_to_write_a_number_is_taken(library: Path) -> None:
    # A signature whose first point is the identity: only who holds the key can make one, and libsodium takes none.
    seed, message = bytes(range(32)), b"message"
    key, first = bytes(SigningKey(seed).verify_key), b"\x01" + bytes(31)
    secret = int.from_bytes(sha512(seed).digest()[:32], "little") & ~7 & (1 << 255) - 1 | 1 << 254
    challenge = int.from_bytes(sha512(first + key + message).digest(), "little")
    signature = first + (challenge * secret % _ORDER).to_bytes(32, "little")
    assert not ed25519_verify(key, message, signature)
    asked = json.dumps([key.hex(), message.hex(), signature.hex()])
    assert _ask(library, "smallOrder", asked) == [False, False, False, False]


def test_every_published_inclusion_proof_is_decided_as_published(library: Path) -> None:
    found = _ask(library, "inclusion", shared_path("vectors/merkle/inclusion.json"))
    assert found["count"] > 50
    assert found["wrong"] == []


def test_every_published_canonical_text_is_read_and_no_other_form_of_it(library: Path) -> None:
    found = _ask(library, "canonical", shared_path("vectors/jcs"))
    assert found["count"] > 3
    assert found["wrong"] == []


def test_base64_has_one_spelling(library: Path) -> None:
    assert _ask(library, "base64") == []


def test_a_policy_is_read_as_the_terminal_reads_it(library: Path) -> None:
    good = [
        "",
        "# nothing",
        _LOG,
        f"log {_LOG}\nwitness a {_WITNESS}\ngroup g any a\nquorum g",
        f"log {_LOG}\nquorum none",
    ]
    bad = [
        *(f"log {_LOG}", "quorum none\nquorum none", _WITNESS, _LOG.replace("c74f20a3", "c74f20a4"), _LOG[:-1]),
        *(f"log {_LOG}\n{rest}" for rest in ("quorum a", "quorum none\nquorum none", f"log {_LOG}\nquorum none")),
        *(f"witness {name} {key}\nquorum {name}" for name, key in (("a", _LOG), ("none", _WITNESS))),
        f"witness a {_WITNESS}\ngroup g 2 a\nquorum g",
        f"witness a {_WITNESS}\ngroup g any a\ngroup h any a\nquorum h",
        "log x\nquorum none",
    ]
    assert _ask(library, "policies", json.dumps(good)) == [False] * len(good)
    assert _ask(library, "policies", json.dumps(bad)) == [True] * len(bad)
    for text in bad:
        if text not in (_WITNESS, _LOG.replace("c74f20a3", "c74f20a4"), _LOG[:-1]):
            with pytest.raises(LedgerError):
                Policy.parse(text)


def test_the_page_is_always_the_same_and_reaches_for_nothing() -> None:
    page = verify_page()
    verify_page.cache_clear()
    assert verify_page() == page
    text = page.decode()
    assert not re.search(r"<<[a-z]+>>|\[\[[a-z.-]+\]\]", text)
    assert "default-src 'none'; connect-src 'none'; script-src 'sha256-" in text
    # Licences name their authors' pages.
    said = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|fetch\(|XMLHttp", said)
    assert re.findall(r"<script", text) == ["<script"]


def test_the_page_says_what_the_catalogue_has_and_all_of_it() -> None:
    own = [one for one in _FOLDER.iterdir() if one.name.endswith((".js", ".html"))]
    said = "\n".join(one.read_text("utf-8") for one in own)
    families = set(re.findall(r"say\(`([a-z.-]+)\.\$\{", said))
    used = set(re.findall(r"""(?:["`]|\[\[)([a-z]+(?:[.-][a-z-]+)*)(?:["`]|\]\])""", said))
    keys = {key.removeprefix("offline.") for key in CATALOGUE if key.startswith("offline.")}
    assert {
        key for key in keys if key not in used and not any(key.startswith(f"{name}.") for name in families)
    } == set()
    assert set(re.findall(r'say\("([a-z.-]+)"', said)) | set(re.findall(r"\[\[([a-z.-]+)\]\]", said)) <= keys
