"""Quotes a phrase that cannot be read, for the error that is shown to the user."""


def quote_start(phrase: str, max_characters: int) -> str:
    """Returns the start of a phrase in quotes, with `?` for each character that cannot be printed."""
    start = "".join(character if character.isprintable() else "?" for character in phrase[:max_characters])
    return f'"{start}…"' if len(phrase) > max_characters else f'"{start}"'
