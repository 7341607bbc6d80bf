"""The rules: each module of this folder whose name is a rule's id defines that rule as `RULE`.

A new rule is one file here, its parameter in one of `core.rule_parameters` if it has one, and its four cases in
`tests/integration/review/rules`. A file with an error is left out, and named; the other rules are there.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from re import fullmatch
from traceback import extract_tb
from typing import NamedTuple

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from ledger.core.errors import ConfigError, LedgerError, NotFound
from ledger.review.rules.rule import Rule


class FaultyRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is not there, as its `file` has an error."""

    file: str
    error: str


class RuleFailed(ConfigError):
    """A rule could not say anything, for an error of its own."""


class _Loaded(NamedTuple):
    rules: Mapping[str, Rule]
    faulty: tuple[FaultyRule, ...]


def rules() -> Mapping[str, Rule]:
    """All rules by their ids, in order, but for those whose file has an error."""
    return _loaded().rules


def faulty() -> tuple[FaultyRule, ...]:
    """The files that define no rule, and why."""
    return _loaded().faulty


def rule_named(name: str) -> Rule:
    """The rule of that id; raises NotFound, and ConfigError where its file has an error."""
    found = rules().get(name)
    if found is not None:
        return found
    for one in faulty():
        if one.file == _file(name.lower()):
            raise ConfigError(f"{one.file}: {one.error}", advice="Correct the file; the other rules run.")
    raise NotFound(f"there is no rule {name!r}", advice=f"Known are {', '.join(rules())}.")


@contextmanager
def guarded(rule: Rule) -> Iterator[None]:
    """Raises RuleFailed for what goes wrong in a rule itself."""
    try:
        yield
    except (LedgerError, SQLAlchemyError):
        raise
    except Exception as error:  # whatever a rule does, the others go on
        raise RuleFailed(f"rule {rule.about.id} failed: {_told(error)}", advice="Correct its file.") from error


@cache
def _loaded() -> _Loaded:
    found: dict[str, Rule] = {}
    wrong: list[FaultyRule] = []
    for name in sorted(module.name for module in iter_modules(__path__) if fullmatch(r"d[0-9]{2}", module.name)):
        try:
            rule = getattr(import_module(f"{__name__}.{name}"), "RULE", None)
        except Exception as error:  # whatever a file does, the other rules are there
            wrong.append(FaultyRule(file=_file(name), error=_told(error)))
            continue
        if isinstance(rule, Rule) and rule.about.id.lower() == name:
            found[rule.about.id] = rule
        else:
            wrong.append(FaultyRule(file=_file(name), error=f"it defines no rule {name.upper()}; see d11.py"))
    return _Loaded(found, tuple(wrong))


def _file(name: str) -> str:
    return f"ledger/review/rules/{name}.py"


def _told(error: Exception) -> str:
    """What went wrong, and where; without the error's own words, which may repeat what a record says."""
    if isinstance(error, SyntaxError):
        return f"{error.msg} in line {error.lineno}"
    at = [one for one in extract_tb(error.__traceback__) if fullmatch(r".*[/\\]d[0-9]{2}\.py", one.filename)]
    return type(error).__name__ + (f" in line {at[-1].lineno}" if at else "")
