"""A trust service from outside, for the tests of a module."""

import pytest

from tests.support.outside import Outside


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    return Outside(tmp_path_factory.mktemp("trust"))
