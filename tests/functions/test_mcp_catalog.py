"""Tokens of all that a model reads before it calls a tool: at most 6,000."""

from typing import Any, Final

import bpe_openai
import msgspec

from functions.mcp.catalog import INSTRUCTIONS, list_tools
from functions.mcp.prompts import PROMPTS
from functions.mcp.resources import FIXED, TEMPLATES

MAX_TOKENS: Final = 6_000


def count_tokens(*texts: str | dict[str, Any]) -> int:
    """Returns the number of tokens in o200k, the vocabulary of OpenAI's models since GPT-4o. Objects count as JSON."""
    encoding = bpe_openai.get_encoding("o200k_base")
    return sum(
        len(encoding.encode(text if isinstance(text, str) else msgspec.json.encode(text).decode())) for text in texts
    )


def test_all_that_is_fixed_for_a_model_is_small() -> None:
    tools = list_tools()
    others = {"prompts": [*PROMPTS.values()], "resources": FIXED, "resourceTemplates": TEMPLATES}

    assert len(tools) == 18
    tokens = count_tokens(INSTRUCTIONS, {"tools": tools}, others)
    assert 4_000 < tokens <= MAX_TOKENS
