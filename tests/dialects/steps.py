"""Steps of a scripted model, in no dialect: the texts that the model says and the tools that it calls."""

from dataclasses import dataclass, field

from tests.dialects.provider_server import Json

SECRET = "the user must never read this thought"
"""Text of the model's reasoning, which no user may see."""

FIRST_ANSWER = "I added “Bread” 🍞 – done ✓."
SECOND_ANSWER = "“Milk” is on the list, too."


@dataclass(frozen=True)
class ToolUse:
    """A tool that the model calls."""

    name: str
    arguments: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """An answer of the model to one request. `refusal` is the text with which the model declines."""

    text: str = ""
    uses: tuple[ToolUse, ...] = ()
    refusal: str = ""


def adding(*titles: str, text: str = "") -> Step:
    """Returns a step with one call of `add_todos` for each title."""
    return Step(text, tuple(ToolUse("add_todos", {"todos": [{"title": title}]}) for title in titles))


SECOND_TURN = (adding("Milk"), Step(SECOND_ANSWER))
ONE_CALL = (adding("Bread"), Step(FIRST_ANSWER), *SECOND_TURN)
PARALLEL_CALLS = (adding("Bread", "Butter"), Step(FIRST_ANSWER), *SECOND_TURN)
TEXT_BESIDE_CALL = (
    adding("Bread", text="Let me add that."),
    Step(FIRST_ANSWER),
    adding("Milk", text="And that."),
    Step(SECOND_ANSWER),
)
CALL_WITHOUT_ARGUMENTS = (
    Step(uses=(ToolUse("list_projects"), ToolUse("add_todos", {"todos": [{"title": "Bread"}]}))),
    Step(FIRST_ANSWER),
    *SECOND_TURN,
)
TWO_ROUNDS = (Step(uses=(ToolUse("list_projects"),)), adding("Bread"), Step(FIRST_ANSWER), *SECOND_TURN)
