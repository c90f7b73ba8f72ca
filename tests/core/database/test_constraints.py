"""A violated database constraint raises the error class that is registered for it."""

import pytest

from tests import postgres
from tests.core.database.scenarios import run_scenario
from todo_core.database.constraints import raised_for
from todo_core.database.executor import Database
from todo_core.database.statements import Statement
from todo_core.errors import NotAuthenticated, QuotaExceeded, ServiceError

pytestmark = pytest.mark.pooler

TABLES = (
    "DROP TABLE IF EXISTS members, limited",
    "CREATE TABLE limited (number integer CONSTRAINT number_too_large CHECK (number < 10))",
    "CREATE TABLE members (user_id integer CONSTRAINT members_user_id_fkey REFERENCES numbers (number))",
)


@raised_for("number_too_large")
class NumberTooLarge(ServiceError):
    status = 422
    code = "number_too_large"
    title = "Number too large"
    detail = "Give a number below 10."


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("INSERT INTO limited VALUES (10)", NumberTooLarge),
        ("INSERT INTO members VALUES (1)", NotAuthenticated),
    ],
)
def test_a_violated_constraint_raises_its_registered_error(url: str, sql: str, error: type[ServiceError]) -> None:
    async def scenario(database: Database) -> None:
        with pytest.raises(error):
            await database.write(Statement(sql))
        with pytest.raises(error):
            async with database.transaction() as transaction:
                await transaction.write(Statement(sql))

    postgres.run(url, *TABLES)
    run_scenario(Database(url), scenario)


def test_a_refusal_by_a_quota_names_the_quota_and_its_limit(url: str) -> None:
    refusal = """
        DO $$ BEGIN
            RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'quota_todos', MESSAGE = 'no', DETAIL = '7';
        END $$
    """

    async def scenario(database: Database) -> None:
        with pytest.raises(QuotaExceeded, match="7 todos") as refused:
            await database.write(Statement(refusal))
        assert refused.value.members == {"quota": "todos", "limit": 7}

    run_scenario(Database(url), scenario)
