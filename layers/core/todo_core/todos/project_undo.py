"""Undoes the changes of projects that a turn of the assistant has made: projects that it added, or that it removed.

A turn adds projects by its tool, and removes the projects of an earlier turn by undoing that turn. An undo brings
projects back before it restores todos, which refer to them. It removes projects after it has put todos into the trash.
"""

from typing import Final
from uuid import UUID

from msgspec import Struct

from todo_core.actors import SET_ACTOR, Actor
from todo_core.database.executor import Executor, Transaction
from todo_core.database.statements import Statement
from todo_core.todos.project import Project

# An undo keeps the id, and renews `version` and `updated_at`.
_RESTORED: Final = [name for name in Project.__struct_fields__ if name not in {"id", "version", "updated_at"}]
_COLUMNS: Final = ", ".join(f'"{name}"' for name in _RESTORED)
_OLD_VALUES: Final = ", ".join(f'was."{name}"' for name in _RESTORED)
_VALUES: Final = ", ".join(f'projects."{name}"' for name in _RESTORED)
# A project that was there before and after the turn has only made room, or was removed and brought back.
_TURN: Final = """
    SELECT * FROM (
        SELECT project_id, min(seq) AS first_seq,
            (array_agg(before ORDER BY seq))[1] AS before, (array_agg(after ORDER BY seq DESC))[1] AS after
        FROM change_log WHERE user_id = :user_id AND turn_id = :turn_id AND project_id IS NOT NULL GROUP BY project_id
    ) AS logged WHERE (before IS NULL) <> (after IS NULL)
"""
_SELECT_CHANGES = Statement(f"""
    WITH turn AS ({_TURN})
    SELECT turn.project_id, coalesce(projects.name, coalesce(turn.after, turn.before)->>'name') AS name
    FROM turn LEFT JOIN projects ON projects.id = turn.project_id AND projects.user_id = :user_id
    ORDER BY turn.first_seq
""")  # noqa: S608 - constants, as all below
# The version is one that the project never had: clients may still know all former ones.
_RESTORE = Statement(f"""
    WITH turn AS ({_TURN})
    INSERT INTO projects (id, user_id, {_COLUMNS}, version)
    SELECT turn.project_id, CASE WHEN require_room_for_project(:user_id, :max_projects) THEN :user_id::uuid END,
        {_OLD_VALUES},
        (SELECT 1 + max((later.before->>'version')::int) FROM change_log AS later
            WHERE later.user_id = :user_id AND later.seq >= turn.first_seq AND later.project_id = turn.project_id)
    FROM turn, jsonb_populate_record(CAST(NULL AS projects), turn.before) AS was
    WHERE turn.after IS NULL AND NOT EXISTS (SELECT FROM projects WHERE id = turn.project_id)
    ON CONFLICT (id) DO NOTHING RETURNING id, {SET_ACTOR}
""")  # noqa: S608
_REMOVE = Statement(f"""
    WITH turn AS ({_TURN})
    DELETE FROM projects USING turn, jsonb_populate_record(CAST(NULL AS projects), turn.after) AS was
    WHERE projects.id = turn.project_id AND projects.user_id = :user_id AND turn.before IS NULL
        AND ({_OLD_VALUES}) IS NOT DISTINCT FROM ({_VALUES})
        AND NOT EXISTS (SELECT FROM todos WHERE project_id = projects.id AND deleted_at IS NULL)
    RETURNING projects.id, {SET_ACTOR}
""")  # noqa: S608


class ProjectChange(Struct, frozen=True):
    """A project that a turn added or removed, with its name now, or its last name if it is gone."""

    project_id: UUID
    name: str


async def find_project_changes(db: Executor, user_id: UUID, turn_id: UUID) -> list[ProjectChange]:
    """Returns the projects that a turn added or removed, in the order of their changes."""
    rows = await db.fetch_all(_SELECT_CHANGES, user_id=user_id, turn_id=turn_id)
    return [ProjectChange(*row) for row in rows]


async def restore_removed_projects(transaction: Transaction, actor: Actor, turn_id: UUID) -> list[UUID]:
    """Brings back the projects that a turn removed, as they were, and returns their ids.

    Skips those whose ids are taken again. Raises QuotaExceeded. The caller holds the lock of the change log.
    """
    parameters = {"user_id": actor.user_id, "turn_id": turn_id, "max_projects": actor.quotas.projects}
    return [row["id"] for row in await transaction.fetch_all(_RESTORE, **parameters, actor=actor.signature)]


async def remove_added_projects(transaction: Transaction, actor: Actor, turn_id: UUID) -> list[UUID]:
    """Deletes the projects that a turn added, and returns their ids. Todos of theirs in the trash lose their project.

    Skips projects that are no longer as the turn has left them, and those with todos outside the trash. The caller
    holds the lock of the change log.
    """
    parameters = {"user_id": actor.user_id, "turn_id": turn_id}
    return [row["id"] for row in await transaction.fetch_all(_REMOVE, **parameters, actor=actor.signature)]
