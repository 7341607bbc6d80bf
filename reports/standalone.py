"""The verifier for people: one file, `verify.html`, that opens a package in a browser without any network.

It is put together from the modules in `reports/page`, always to the same bytes, so that the digest of a release's page
can be published and compared. What a package looks like (kinds, roles, files) and its words the modules are told from
here, so that page and terminal cannot drift apart. Hashes and signatures are noble's, packages that have been audited,
bundled by `make setup`; nothing is made small, so whoever doubts the page can read it.
"""

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any, Final

import msgspec

from ledger.core import canonical
from ledger.core.errors import ConfigError
from ledger.core.instants import PRECISION_US
from ledger.core.kinds import KIND_NAMES
from ledger.core.record import Action, ActorKind, Digest, LinkBasis, LinkKind, Outcome
from ledger.core.times import Basis
from ledger.present.english import CATALOGUE
from reports import layout, tables
from reports.checks import KINDS
from reports.lines import EntryRole, Index

MODULES: Final = (
    "noble", "bytes", "sha2", "ed25519", "canonical", "constants", "shape", "zip", "tree", "note", "policy", "lines",
    "bag", "table", "rules", "marks", "origins", "entries", "proofs", "records", "verify",
)  # fmt: skip
"""Each after those that it imports; the page itself, which alone knows the document, comes last."""
BUNDLED: Final = "noble"
"""What others wrote: a module that stands as it is."""
PAGE: Final = ("words", "page")
_FOLDER = files("reports").joinpath("page")
_IMPORT = re.compile(r"^import (\{[^}]*\}) from \"\./([a-z0-9]+)\.js\";$", re.MULTILINE)
_SHAPES: Final[dict[Any, str]] = {
    str: "text",
    bool: "flag",
    Index: "isIndex",
    Index | None: "isIndexOrNull",
    Digest: "digest",
    dict[str, Any]: "object",
    tuple[Index, ...]: "indices",
    tuple[str, ...]: "texts",
}
"""How the page names the types of a description's members."""
_PLACE = re.compile(r"\[\[([a-z.-]+)\]\]")
_EXPORT = re.compile(r"^export ((?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)


@cache
def verify_page() -> bytes:
    """The file `verify.html`, as every package of this release holds it; raises ConfigError where it was not set up."""
    script, style = joined((*MODULES, *PAGE)), _text("page.css")
    policy = "; ".join(
        (
            "default-src 'none'",
            "connect-src 'none'",
            f"script-src '{_digest(script)}'",
            f"style-src '{_digest(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = _PLACE.sub(lambda found: escape(CATALOGUE[f"offline.{found[1]}"]), _text("page.html"))
    for place, content in (("policy", policy), ("style", style), ("script", script)):
        page = page.replace(f"<<{place}>>", content)
    return page.encode()


def page_digest() -> str:
    """SHA-256 of `verify.html` in hexadecimal: what people compare before they believe a copy of it."""
    return sha256(verify_page()).hexdigest()


def joined(names: tuple[str, ...]) -> str:
    """These modules as one, in this order: each in a scope of its own, which gives what the module exports."""
    parts = []
    for at, name in enumerate(names):
        if name == BUNDLED:
            parts.append(_bundled())
            continue
        source = _constants() if name == "constants" else _catalogue() if name == "words" else _text(f"{name}.js")
        late = {found[1] for found in _IMPORT.findall(source)} - set(names[:at])
        if late:
            raise ValueError(f"{name}.js imports {', '.join(sorted(late))}, which does not come before it")
        given = ", ".join(found[1] for found in _EXPORT.findall(source))
        source = _EXPORT.sub(r"\1", _IMPORT.sub(r"const \1 = \2Module;", source))
        parts.append(f"const {name}Module = (() => {{\n{source}return {{ {given} }};\n}})();\n")
    return "\n".join(parts)


def _bundled() -> str:
    try:
        return _text(f"{BUNDLED}.js")
    except FileNotFoundError:
        raise ConfigError(
            f"reports/page/{BUNDLED}.js, which verify.html is made with, is not there",
            advice="Run `make setup`: it takes the packages from their registry and bundles them.",
        ) from None


def _constants() -> str:
    """What the terminal's verifier knows, for the page's."""
    return _told(
        "CONSTANTS",
        {
            "kinds": sorted(KIND_NAMES),
            "roles": {role.value: kind for role, kind in KINDS.items()},
            "unjudgedRoles": [EntryRole.DEFERRAL.value, EntryRole.ANSWER.value],
            "files": {
                "description": layout.DESCRIPTION,
                "checkpoint": layout.CHECKPOINT,
                "keys": layout.KEYS,
                "records": layout.RECORDS,
                "table": layout.TABLE,
                "originals": layout.ORIGINALS,
                "entries": layout.ENTRIES,
                "runs": layout.RUNS,
                "keyLife": layout.KEY_LIFE,
                "stamps": layout.STAMPS,
                "seal": layout.SEAL,
                "proofs": layout.PROOFS_FOLDER,
                "proofOfAll": layout.PROOF_OF_ALL,
            },
            "payload": sorted(layout.PAYLOAD),
            "tags": sorted(layout.TAGS),
            "signed": sorted(layout.SIGNED),
            "standalone": list(layout.STANDALONE),
            "besideSigned": list(layout.BESIDE_SIGNED),
            "description": {
                one.name: {"kind": _SHAPES[one.type], "required": one.required}
                for one in msgspec.structs.fields(layout.Description)
            },
            "schema": layout.SCHEMA,
            "precisions": [one.value for one in PRECISION_US],
            "precisionUs": {one.value: length for one, length in PRECISION_US.items()},
            "timeBases": [one.value for one in Basis],
            "actions": [one.value for one in Action],
            "actorKinds": [one.value for one in ActorKind],
            "outcomes": [one.value for one in Outcome],
            "linkKinds": [one.value for one in LinkKind],
            "linkBases": [one.value for one in LinkBasis],
            "table": {
                "columns": list(tables.COLUMNS),
                "withheld": tables.WITHHELD,
                "none": tables.NONE,
                "empty": tables.EMPTY,
                "formula": list(tables.FORMULA),
            },
        },
    )


def _catalogue() -> str:
    words = {key.removeprefix("offline."): text for key, text in CATALOGUE.items() if key.startswith("offline.")}
    return _told("MESSAGES", words)


def _told(name: str, value: object) -> str:
    # Inside a script no text may end it: `<` is written as JSON's escape.
    return f"export const {name} = {canonical.dumps(value).decode().replace('<', chr(92) + 'u003c')};\n"


def _text(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")


def _digest(source: str) -> str:
    return f"sha256-{b64encode(sha256(source.encode()).digest()).decode()}"
