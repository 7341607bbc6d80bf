"""The migrations of the schema, one after another in the order of their numbers."""

from pathlib import Path


def before(file: str) -> str:
    """The version of the migration whose number is the next below that of this file."""
    path = Path(file)
    return max(other.name for other in path.parent.glob("[0-9]*.py") if other.name < path.name)[:4]
