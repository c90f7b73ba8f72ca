"""A conversation works in the dialect of each provider: the effect comes once, and the next turn is accepted."""

import pytest

from tests.dialects.conftest import Start
from tests.dialects.failure_scenarios import FAILURE_SCENARIOS
from tests.dialects.form_scenarios import FORM_SCENARIOS
from tests.dialects.message_scenarios import MESSAGE_SCENARIOS
from tests.dialects.request_scenarios import REQUEST_SCENARIOS
from tests.dialects.responses_scenarios import RESPONSES_SCENARIOS
from tests.dialects.scenarios import Scenario

SCENARIOS = [*MESSAGE_SCENARIOS, *FORM_SCENARIOS, *REQUEST_SCENARIOS, *FAILURE_SCENARIOS, *RESPONSES_SCENARIOS]
CASES = [(scenario, form) for scenario in SCENARIOS for form in scenario.forms]


@pytest.mark.parametrize(("scenario", "form"), CASES, ids=[f"{scenario.name}, {form}" for scenario, form in CASES])
def test_a_conversation_works(start: Start, scenario: Scenario, form: str) -> None:
    conversation = start(scenario, form)
    scenario.outcome(conversation)
    assert not conversation.provider.faults, conversation.provider.faults


def test_each_scenario_has_its_own_name() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)


def test_there_are_at_least_eighty_cases() -> None:
    assert len(CASES) >= 80
