from functions.todos.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import handler_of

app = create_app(router)
handler = handler_of(app)
