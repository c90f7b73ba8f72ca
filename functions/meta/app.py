import json
from pathlib import Path

from functions.meta.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(router)
# The document of the whole service, written by `make openapi`: this function has only its own routes.
app.openapi_schema = json.loads(Path(__file__).with_name("openapi.json").read_text())
handler = LambdaHandler(app)
