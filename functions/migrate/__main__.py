from functions.migrate.app import run
from functions.migrate.errors import MigrationFailed
from todo_core import logs
from todo_core.database.embedded import EmbeddedServerError
from todo_core.errors import DatabaseUnavailable, InvalidSettings
from todo_core.settings import load

if __name__ == "__main__":
    try:
        settings = load()
        logs.configure(settings)
        run(settings)
    except (InvalidSettings, EmbeddedServerError, DatabaseUnavailable, MigrationFailed) as error:
        raise SystemExit(str(error)) from None
