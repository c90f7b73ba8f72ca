"""Runs the attacks against the app in process only: the assistant is the same behind every surface."""

import pytest

from tests.serving import Surface


@pytest.fixture
def surface(app_surface: Surface) -> Surface:
    return app_surface
