"""`trailseal verify-page`: one's own copy of the page by which people verify packages in a browser."""

from pathlib import Path
from typing import Annotated

import typer

from ledger.cli.output import AsJson, say, say_json
from ledger.core.errors import ConfigError


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("verify-page")(verify_page)


def verify_page(
    out: Annotated[Path, typer.Option(help="The HTML file to write; it must not exist yet.")],
    as_json: AsJson = False,
) -> None:
    """Write verify.html, as every package of this release holds it, and say its SHA-256.

    Give this copy to whoever verifies packages, by another way than the packages: a page that comes with a package is
    worth no more than the package.
    """
    # Imported here: the page is put together from much that other commands do not need.
    from reports.standalone import page_digest, verify_page

    try:
        with out.open("xb") as file:
            file.write(verify_page())
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}", advice="Choose another name.") from None
    if as_json:
        say_json({"file": str(out), "sha256": page_digest()})
    else:
        say(f"{out} written. SHA-256 {page_digest()}")
