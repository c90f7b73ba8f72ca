"""SQL of todos, projects and tags as the change log holds them."""


def select_full_snapshot(name: str, *, owner: str = "user_id") -> str:
    """Returns the SQL of the snapshot in a column, with its description.

    The log leaves out a description that did not change. The row also has the columns `todo_id` and `seq`. `owner` is
    the SQL of its user. Most snapshots are full, and a call of the function takes longer than reading the row.
    """
    return f"""CASE WHEN {name} IS NULL OR {name} ? 'description' THEN {name}
        ELSE full_snapshot({name}, {owner}, todo_id, seq) END"""
