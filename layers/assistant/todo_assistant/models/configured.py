"""Creates the language model that the settings name."""

from todo_assistant.models.chat_completions import ChatCompletions
from todo_assistant.models.endpoint import Endpoint
from todo_assistant.models.language_model import LanguageModel
from todo_assistant.models.responses import Responses
from todo_core.settings import Settings


def create_language_model(settings: Settings) -> LanguageModel:
    """Returns the model with the adapter of its API. Opens no connection."""
    endpoint = Endpoint(settings.openai, settings.azure_openai)
    adapter = Responses if endpoint.api == "responses" else ChatCompletions
    return LanguageModel(settings.openai.model, endpoint, adapter(settings.openai, endpoint))
