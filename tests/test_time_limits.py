"""The limits of time nest: the inner one ends first, so that a client gets the answer of this service.

statement < request < probe < liveness, and request < change < Lambda function < API Gateway.
"""

import time
from contextvars import copy_context
from typing import Final

import pytest

from functions.groups import GROUPS
from tests.chart.rendering import Release
from tests.deploy import template
from tests.hung_database import MOST_SECONDS
from tests.settings_fields import FIELDS
from todo_core.deadlines import (
    ANSWER_SECONDS,
    CHANGE_SECONDS,
    INVOCATION_RESERVE_SECONDS,
    REQUEST_SECONDS,
    STATEMENT_SECONDS,
    begin_request,
    limit_statement,
)
from todo_core.outbox.leases import ATTEMPT_SECONDS, LEASE_SECONDS

GATEWAY_SECONDS: Final = 30
"""API Gateway's limit for an HTTP API, which cannot be raised."""


def find_limit_of_a_statement() -> float:
    """Returns the limit of the first statement of a request."""

    def begin() -> float:
        begin_request(time.monotonic())
        return limit_statement()

    return copy_context().run(begin)


def test_a_statement_ends_before_its_request_and_this_within_five_seconds() -> None:
    assert find_limit_of_a_statement() < REQUEST_SECONDS < MOST_SECONDS


def test_a_statement_of_a_change_ends_before_the_change() -> None:
    assert STATEMENT_SECONDS < CHANGE_SECONDS - ANSWER_SECONDS


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_request_ends_before_a_probe_of_the_chart_gives_up(probe: str) -> None:
    assert Release().api_container[probe]["timeoutSeconds"] > REQUEST_SECONDS


@pytest.mark.parametrize("function", [group.function_name for group in GROUPS])
def test_a_change_ends_before_the_lambda_function_and_this_before_the_gateway(function: str) -> None:
    assert template.timeout(function) - INVOCATION_RESERVE_SECONDS > CHANGE_SECONDS
    assert template.timeout(function) < GATEWAY_SECONDS


def test_an_attempt_to_deliver_a_message_ends_and_is_stored_before_its_lease_ends() -> None:
    assert ATTEMPT_SECONDS + STATEMENT_SECONDS <= LEASE_SECONDS


def test_a_turn_of_the_assistant_ends_before_the_lambda_function() -> None:
    assert FIELDS["ASSISTANT_SECONDS"].default < template.timeout("ChatFunction") - INVOCATION_RESERVE_SECONDS


def test_a_stopping_pod_waits_for_the_longest_change() -> None:
    settings = Release().manifest("ConfigMap")["data"]
    assert int(settings["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) > CHANGE_SECONDS
