from fastapi import APIRouter

from functions.oauth.routes import router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler
from todo_core.web.lazy_routes import LazyRoutes

_pages = LazyRoutes(
    "functions.oauth.pages", "/oauth/authorize", "/oauth/consent", "/oauth/sign-in", "/oauth/second-factor"
)
app = create_app(router, APIRouter(routes=[_pages]))
handler = LambdaHandler(app)
