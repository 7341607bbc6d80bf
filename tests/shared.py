"""Finds the public test vectors and format notes that lie beside the repository, or skips the test that needs them."""

import os
import re
from functools import cache
from pathlib import Path

import pytest

_DEFAULT = Path(__file__).resolve().parents[2] / "shared"


def shared_path(name: str) -> Path:
    """Return a file or folder of the shared folder; skips the calling test, saying why, when it is not there."""
    folder = Path(os.environ.get("TRAILSEAL_SHARED", _DEFAULT))
    path = folder / name
    if not path.exists():
        pytest.skip(f"needs {name} of the shared folder: set TRAILSEAL_SHARED to it", allow_module_level=True)
    return path


@cache
def format_examples() -> dict[str, str]:
    """Return the worked examples of formats.md by name: what stands in the block after `<!-- ex:NAME -->`."""
    text = shared_path("formats.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- ex:(\w+) -->\n```\n(.*?)```\n", text, re.DOTALL)
    return dict(blocks)
