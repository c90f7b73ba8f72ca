"""The catalogue of attacks runs over the app in process only: what it asks of the assistant lies below the surfaces."""

import pytest

from tests.serving import Surface


@pytest.fixture
def surface(app_surface: Surface) -> Surface:
    return app_surface
