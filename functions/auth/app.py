import functions.auth.routes
import functions.auth.tokens.routes
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(functions.auth.routes.router, functions.auth.tokens.routes.router)
handler = LambdaHandler(app)
