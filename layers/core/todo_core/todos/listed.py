"""Lists that say as of which change of the user they are."""

from typing import Final

from msgspec import Struct

LAST_SEQ: Final = "(SELECT last_seq FROM account_usage WHERE user_id = :user_id) AS last_seq"
"""SQL of a column with the sequence number of the user's latest change, in the snapshot of the statement."""


class Listed[Item](Struct, frozen=True):
    """A page of a list, as of the user's change with the number `seq`. That is None for a page without items."""

    items: list[Item]
    seq: int | None
