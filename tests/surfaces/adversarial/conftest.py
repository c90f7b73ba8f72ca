"""Runs the attacks of this folder on one surface, the app in process: all surfaces run the same assistant."""

import pytest

from tests.serving import Surface


@pytest.fixture
def surface(app_surface: Surface) -> Surface:
    return app_surface
