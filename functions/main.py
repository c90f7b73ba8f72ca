"""The app with all route groups, which `python -m functions` and the container serve."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from functions import groups
from functions.chat.routes import close_assistant, prepare_assistant
from functions.deliver.app import delivering
from todo_core.database import embedded
from todo_core.live.live_changes import LIVE_CHANGES, LiveChanges
from todo_core.web.app import create_app
from todo_core.web.early_refusals import EARLY_REFUSALS, EarlyRefusals
from todo_core.web.middleware.draining import DRAIN, ConnectionClosing, Drain
from todo_core.web.resources import get_resources


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[Mapping[str, EarlyRefusals | Drain | LiveChanges]]:
    """Connects the app to its database at the start, and closes all connections at the end.

    Without a database URL, the embedded PostgreSQL server is started. Outside production, the migrations run. Yields
    the state that the HTTP protocol reads.
    """
    resources = get_resources(app)
    given = resources.settings
    async with embedded.ensure_server(given.database.url, given.data_folder / "postgres") as url:
        settings = given.with_database_url(url)
        resources.database.connect_to(url.get_secret_value())
        if not settings.in_production:
            from functions.migrate.app import upgrade  # noqa: PLC0415 - importing Alembic takes 10% of a start

            await asyncio.to_thread(upgrade, settings)
        # Imports the model's libraries in the background: requests to other routes need not wait for them.
        preparation = asyncio.create_task(prepare_assistant(app))
        live = resources.live
        with drain.on_sigterm(live.end_watches):
            async with live.listening(settings.database.direct_url), delivering(app, settings):
                yield {EARLY_REFUSALS: app.state.early_refusals, DRAIN: drain, LIVE_CHANGES: live}
        preparation.cancel()
        await close_assistant(app)
        await resources.database.close()


app = create_app(*groups.load_routers(), lifespan=lifespan)
drain = Drain(get_resources(app).settings.drain_seconds)
app.add_middleware(ConnectionClosing, drain=drain)

settings = get_resources(app).settings
if settings.metrics_port is not None:
    from functions import prometheus

    prometheus.expose(app, settings.metrics_host, settings.metrics_port)
