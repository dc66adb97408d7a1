"""A workshop: a native builder with a home that the tests of one file share, so that toolchains and caches are fetched once."""

import pytest

from tests.support.builds import Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("builds") / "a home")
