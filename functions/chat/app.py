import functions.chat.front_ends.routes
import functions.chat.quick_add.routes
import functions.chat.routes
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(
    functions.chat.routes.router, functions.chat.front_ends.routes.router, functions.chat.quick_add.routes.router
)
handler = LambdaHandler(app)
