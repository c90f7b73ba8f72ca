from functions.deliver.app import run
from todo_core import logs
from todo_core.database.embedded import EmbeddedServerError
from todo_core.errors import InvalidSettings, ServiceError
from todo_core.settings import load

if __name__ == "__main__":
    try:
        settings = load()
        logs.configure(settings)
        run(settings)
    except (InvalidSettings, EmbeddedServerError, ServiceError) as error:
        raise SystemExit(str(error)) from None
