"""Creates the language model that the settings name."""

from todo_assistant.models.chat_completions import ChatCompletions
from todo_assistant.models.endpoint import Endpoint
from todo_assistant.models.language_model import LanguageModel
from todo_core.settings import Settings


def create_language_model(settings: Settings) -> LanguageModel:
    """Returns the model with the adapter of its API. Opens no connection."""
    endpoint = Endpoint(settings.openai, settings.azure_openai)
    return LanguageModel(settings.openai.model, endpoint, ChatCompletions(settings.openai, endpoint))
