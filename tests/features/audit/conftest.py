"""An organization in which nothing has happened yet."""

import pytest

from tests.support.api import Api, forget_events


@pytest.fixture(autouse=True)
def nothing_happened(api: Api) -> None:
    """Forget how the fixture made people and tokens, and what was anchored of earlier ones."""
    forget_events(api.container)
    api.container.home.audit_anchors.unlink(missing_ok=True)
