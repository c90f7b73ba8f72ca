"""Plans: generators that yield tool calls, receive their results, and return the answer to the user.

A plan keeps nothing between two steps of a turn. Each step runs a new plan from its beginning with the stored results,
up to the first calls without results.
"""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from todo_assistant.commands.results import NamedResult, Round
from todo_assistant.commands.wording.results import describe_results
from todo_assistant.models.messages import Completion, Question, ToolCallRequest

type Plan[Outcome] = Generator[Completion, Sequence[NamedResult], Outcome]
"""A generator that yields a completion with tool calls, is sent their results, and returns an outcome."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The text that ends a turn. `question` is set if the next message may choose among options of the text."""

    text: str
    question: Question | None = None


class PlanEnded(Exception):
    """Ends a plan early with an answer, for example if no todo fits."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def request_call(name: str, arguments: dict[str, JsonValue]) -> ToolCallRequest:
    return ToolCallRequest("", name, json.dumps(arguments))


def call(name: str, arguments: dict[str, JsonValue]) -> Plan[NamedResult]:
    """Runs one tool call and returns its result. Raises PlanEnded if the whole call failed."""
    [result] = yield Completion(calls=[request_call(name, arguments)])
    if result.has_failed:
        raise PlanEnded(Answer(describe_results([result])))
    return result


def run_plan(plan: Plan[Answer], rounds: Sequence[Round]) -> Completion:
    """Returns the completion with the plan's next tool calls or its answer, after the given rounds of the turn.

    If the plan would not have made the calls of these rounds, the answer only reports their results. This is so in a
    turn that answers an approval: it began with the calls that waited.
    """
    results: Sequence[NamedResult] | None = None
    for done in [*rounds, None]:
        try:
            step = next(plan) if results is None else plan.send(results)
        except (StopIteration, PlanEnded) as end:
            if done is not None:
                break
            answer: Answer = end.answer if isinstance(end, PlanEnded) else end.value
            return Completion(answer.text, question=answer.question)
        if done is None:
            return step
        if [(request.name, request.arguments) for request in step.calls] != done.calls:
            break
        results = done.results
    return Completion(describe_results([result for done in rounds for result in done.results]))
