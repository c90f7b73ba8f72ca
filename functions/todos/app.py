import functions.todos.changes.routes
import functions.todos.projects.routes
import functions.todos.routes
import functions.todos.tags.routes
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(
    functions.todos.routes.router,
    functions.todos.changes.routes.router,
    functions.todos.projects.routes.router,
    functions.todos.tags.routes.router,
)
handler = LambdaHandler(app)
