from functions.mcp.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(router)
handler = LambdaHandler(app)
