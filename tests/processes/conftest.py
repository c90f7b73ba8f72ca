"""Fixtures of the tests whose module has a fixture `service`."""

from collections.abc import Iterator

import pytest

from tests.accounts import Account, sign_up
from tests.serving import OnPort


@pytest.fixture
def ada(service: OnPort) -> Iterator[Account]:
    """Returns an account at the module's `service`, with one todo."""
    with service.client() as client:
        account = sign_up(client)
        account.add()
        yield account
