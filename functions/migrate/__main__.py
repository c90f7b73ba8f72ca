from functions.migrate.app import upgrade
from todo_core.database.embedded import EmbeddedServerError
from todo_core.errors import DatabaseUnavailable, InvalidSettings
from todo_core.settings import load

if __name__ == "__main__":
    try:
        upgrade(load())
    except (InvalidSettings, EmbeddedServerError, DatabaseUnavailable) as error:
        raise SystemExit(str(error)) from None
