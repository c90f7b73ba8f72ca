import json
from pathlib import Path

from functions.meta.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(router)
# Serves the document that `make openapi` wrote for all route groups: FastAPI would describe only the routes of meta.
app.openapi_schema = json.loads(Path(__file__).with_name("openapi.json").read_text())
handler = LambdaHandler(app)
