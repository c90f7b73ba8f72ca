from functions.todos.projects.routes import router as projects
from functions.todos.routes import router as todos
from functions.todos.tags.routes import router as tags
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import handler_of

app = create_app(todos, projects, tags)
handler = handler_of(app)
