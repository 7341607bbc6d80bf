"""What a browser is shown of a founded plant, page by page and form by form."""

import html
import re
from typing import Any

from litestar.testing import TestClient

from ledger.people.sessions import COOKIE
from tests.support.application import app_of
from tests.support.people import OWN_PAGE
from tests.support.signers import Plant, Signer


class Pages:
    """A founded plant, and the pages as its people see them."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        plant.quality.sign_in("testclient")
        self.client = TestClient(app_of(plant.service, "Europe/Berlin"))

    def ask(self, who: Signer, method: str, path: str, **form: str) -> Any:
        headers = {"Cookie": f"{COOKIE}={who.session}", **OWN_PAGE}
        return self.client.request(method, path, headers=headers, data=form or None, follow_redirects=False)


def hidden(text: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}" value="([^"]+)"', text)
    assert found is not None
    return html.unescape(found[1])
