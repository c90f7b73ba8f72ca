"""Quotes a phrase that cannot be parsed in the error that is shown to the user."""


def quote_start(phrase: str, max_characters: int) -> str:
    """Returns the first `max_characters` of a phrase in quotes, with `?` for each unprintable character."""
    start = "".join(character if character.isprintable() else "?" for character in phrase[:max_characters])
    return f'"{start}…"' if len(phrase) > max_characters else f'"{start}"'
