"""Fills the table of todos with realistic rows of many users, directly in the database."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from todo_core.database.lost_connections import Connection

OWNER: Final = UUID("0198c5a0-0000-7000-8000-000000000001")
"""User whose lists are measured."""
PROJECT: Final = UUID("0198c5a0-0000-7000-8000-000000000002")
PARENT: Final = UUID("0198c5a0-0000-7000-8000-000000000003")
FREQUENT_WORD: Final = "milk"
"""Word in the titles of 10% of the todos, and in the descriptions of 10%."""
DESCRIPTION_WORD: Final = "invoice"
"""Word in the descriptions of 10% of the todos, and in no title."""
RARE_WORD: Final = "zanzibar"
"""Word and tag of about 30 todos of the owner, independent of their number."""

_TODOS_PER_OTHER_USER: Final = 90
_SEED: Final = 0.42

_NUMBER_OF_TEXTS: Final = 4_000

# 3,000 words whose frequencies differ like those of a language. Short texts have two to four words, long ones 10 to
# 60. A title consists of two short texts, a description of one long text.
_TEXTS: Final = """
    CREATE TEMPORARY TABLE texts AS
    SELECT number, string_agg(word, ' ') FILTER (WHERE place <= 2 + number % 3) AS short,
        string_agg(word, ' ') FILTER (WHERE place <= 10 + number % 51) AS long
    FROM (
        SELECT number, place, substr(translate(md5(rank::text), '0123456789', 'eaiouslrnt'), 1, 3 + rank % 6) AS word
        FROM (
            SELECT number, place, (3000 * random() ^ 3)::int AS rank
            FROM generate_series(0, $1::int - 1) AS number, generate_series(1, 60) AS place
        ) AS ranks
    ) AS words
    GROUP BY number
"""
_USERS: Final = """
    INSERT INTO users (id, email, email_key, password_hash, timezone)
    SELECT id, id || '@example.com', id || '@example.com', '', 'Europe/Berlin'
    FROM (SELECT $1::uuid AS id UNION ALL SELECT md5(n::text)::uuid FROM generate_series(0, $2::int) AS n) AS ids
"""
# Todos of all users in the order of their creation. The owner's come in groups of 100, because only programs create
# 100,000 todos, in batches. Other users have about 90 each, one by one in between. Independent properties:
# - completed: 60%
# - priority: none 60%, low 15%, medium 15%, high 10%
# - due: never 40%, on a date 30%, at a time 30%, within two years before and after now
# - tags: none 40%, else one to three of nine, the first ones most frequently
# - in a project: 50%; 5% of the owner's todos are in the measured project
# - subtodos: 20%; 2.5% of the owner's todos belong to the measured parent
# - moved from their default place in the list: 20%
# - in the trash: 5%
# - with a description: 30%
_TODOS: Final = """
    INSERT INTO todos (
        id, user_id, title, description, completed, completed_at, priority, due_date, due_at, tags, project_id,
        parent_id, "order", created_at, updated_at, deleted_at
    )
    SELECT
        overlay(gen_random_uuid()::text PLACING to_char(drawn.number, 'FM00000000') FROM 1)::uuid,
        CASE WHEN owned THEN $1::uuid ELSE md5((hashint4(drawn.number) & 16777215) % $4::int || '')::uuid END,
        one.short || ' ' || other.short || CASE WHEN random() < 0.1 THEN ' Milk' ELSE '' END
            || CASE WHEN seldom THEN ' Zanzibar' ELSE '' END,
        CASE WHEN described < 0.3 THEN other.long || CASE WHEN described < 0.1 THEN ' (milk, invoice)' ELSE '' END END,
        completed, CASE WHEN completed THEN created_at END,
        CASE WHEN priority < 0.6 THEN 'none' WHEN priority < 0.75 THEN 'low' WHEN priority < 0.9 THEN 'medium'
            ELSE 'high' END,
        CASE WHEN due BETWEEN 0.4 AND 0.7 THEN (now() + moment)::date END,
        CASE WHEN due > 0.7 THEN now() + moment END,
        CASE WHEN tagged < 0.4 THEN '{}' ELSE ARRAY(
            SELECT DISTINCT 'tag' || floor(9 * random() ^ 2)::int FROM generate_series(1, 1 + (drawn.number % 3))
        ) END || CASE WHEN seldom THEN '{zanzibar}'::text[] ELSE '{}' END,
        CASE WHEN project < 0.05 AND owned THEN $2::uuid
            WHEN project < 0.5 THEN md5('project' || drawn.number % 50)::uuid END,
        CASE WHEN parent < 0.025 AND owned THEN $3::uuid
            WHEN parent < 0.2 THEN md5('parent' || drawn.number / 4)::uuid END,
        CASE WHEN moved < 0.2 THEN moved * 5 * $5::int ELSE drawn.number END,
        created_at, created_at + random() ^ 4 * (now() - created_at),
        CASE WHEN trash < 0.05 THEN now() - '30 days'::interval * random() END
    FROM (
        SELECT
            number, owned, owned AND random() * $7::int < 30 AS seldom,
            now() - (1 - number::float8 / $5::int) * '3 years'::interval AS created_at,
            random() < 0.6 AS completed, random() AS priority, random() AS due,
            (random() * 4 - 2) * '1 year'::interval AS moment, random() AS tagged, random() AS described,
            floor(random() * $8::int)::int AS one, floor(random() * $8::int)::int AS other, random() AS project,
            random() AS parent, random() AS moved, random() AS trash
        FROM (
            SELECT number, number / 100 % $6::int = 0 AS owned FROM generate_series(1, $5::int) AS number
        ) AS numbers
    ) AS drawn
    JOIN texts AS one ON one.number = drawn.one JOIN texts AS other ON other.number = drawn.other
    ORDER BY drawn.number
"""
_INDEXES: Final = """
    SELECT indexname, indexdef FROM pg_indexes
    WHERE tablename = 'todos' AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


@dataclass(frozen=True)
class Crowd:
    """Number of all todos, and of the owner's."""

    todos: int
    owned: int


async def fill(connection: Connection, crowd: Crowd) -> None:
    """Writes the todos into an empty, migrated database. Creates the indexes at the end."""
    indexes = await connection.fetch(_INDEXES)
    others = max((crowd.todos - crowd.owned) // _TODOS_PER_OTHER_USER, 1)
    await connection.execute(f"SELECT setseed({_SEED})")
    await connection.execute(_TEXTS, _NUMBER_OF_TEXTS)
    await connection.execute(_USERS, OWNER, others)
    # Without triggers and foreign keys, because a change log would only take time.
    await connection.execute(
        "SET session_replication_role = replica; SET jit = off; SET maintenance_work_mem = '256MB'"
    )
    await connection.execute("; ".join(f"DROP INDEX {index['indexname']}" for index in indexes))
    every = crowd.todos // crowd.owned
    await connection.execute(_TODOS, OWNER, PROJECT, PARENT, others, crowd.todos, every, crowd.owned, _NUMBER_OF_TEXTS)
    for index in indexes:
        await connection.execute(index["indexdef"])
    await connection.execute("VACUUM ANALYZE todos")
