from fastapi import APIRouter

from functions.todos.paths import CHANGES, PROJECTS, TAGS
from functions.todos.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler
from todo_core.web.lazy_routes import LazyRoutes

_rare = APIRouter(
    routes=[
        LazyRoutes("functions.todos.changes.routes", CHANGES),
        LazyRoutes("functions.todos.projects.routes", PROJECTS),
        LazyRoutes("functions.todos.tags.routes", TAGS),
    ]
)
app = create_app(router, _rare)
handler = LambdaHandler(app)
