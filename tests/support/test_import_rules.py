"""What the import rules of pyproject.toml cannot say: closed lists for the core, a witness and the simulated plant."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CORE = Path(__file__).parents[2] / "ledger" / "core"
PACKAGES = {"ledger.core", "ledger.trust.witness"}
OF_A_WITNESS = {
    "ledger.core",
    "ledger.listener",
    "ledger.request_head",
    "ledger.trust.files",
    "ledger.trust.providers.base",
    "ledger.trust.providers.files",
    "ledger.trust.providers.options",
    "ledger.trust.providers.sealed",
    "ledger.trust.providers.stored",
    "ledger.trust.witness",
}
"""What a witness, a process apart from any ledger, is made of."""
ALLOWED = {"cryptography", "nacl", "msgspec", "rfc8785", "pyasn1", "pyasn1_modules", "rfc3161_client", "asn1crypto"}
"""The last four read signatures and time-stamps that were made elsewhere, by which a package is judged offline."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_the_core_imports_only_the_standard_library_and_a_few_packages() -> None:
    seen = {(path.name, name) for path in CORE.rglob("*.py") for name in imported(path)}
    assert seen, f"no module found in {CORE}"
    strangers = {
        (module, name)
        for module, name in seen
        if name.split(".")[0] not in sys.stdlib_module_names | ALLOWED and name.split(".")[:2] != ["ledger", "core"]
    }
    assert not strangers


def test_a_witness_is_made_of_nothing_that_reaches_a_ledger() -> None:
    root = CORE.parents[1]
    modules = [root / f"{name.replace('.', '/')}.py" for name in OF_A_WITNESS if name not in PACKAGES]
    files = [*modules, *(root / "ledger" / "trust" / "witness").rglob("*.py")]
    seen = {(path.name, name) for path in files for name in imported(path) if name.split(".")[0] == "ledger"}
    assert len(seen) > len(files)
    assert not {
        (module, name) for module, name in seen if name not in OF_A_WITNESS and name.rpartition(".")[0] not in PACKAGES
    }


def test_what_simulates_a_plant_knows_nothing_of_the_product_but_its_core() -> None:
    plant = CORE.parents[1] / "tests" / "plant"
    seen = {(path.name, name) for path in plant.rglob("*.py") for name in imported(path)}
    own = {one for one in seen if one[1].split(".")[0] in {"ledger", "collectors", "reports", "tests"}}
    assert len(own) > 100
    assert not {one for one in own if tuple(one[1].split(".")[:2]) not in {("ledger", "core"), ("tests", "plant")}}
