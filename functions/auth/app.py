from fastapi import APIRouter

from functions.auth.routes import PATH, router
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler
from todo_core.web.lazy_routes import LazyRoutes

_rare = APIRouter(
    routes=[
        LazyRoutes(
            "functions.auth.account.routes",
            *(f"{PATH}/{path}" for path in ("me", "password", "confirm", "sessions", "close-account")),
        ),
        LazyRoutes("functions.auth.second_factor.routes", f"{PATH}/second-factor"),
        LazyRoutes("functions.auth.passkeys.routes", f"{PATH}/passkeys"),
        LazyRoutes("functions.auth.passkeys.login", f"{PATH}/login/passkey"),
        LazyRoutes("functions.auth.tokens.routes", f"{PATH}/tokens"),
        LazyRoutes("functions.auth.connections.routes", f"{PATH}/connections"),
        LazyRoutes("functions.auth.links.routes", f"{PATH}/email", f"{PATH}/password"),
        LazyRoutes("functions.auth.pages.routes", "/account"),
    ]
)
app = create_app(router, _rare)
handler = LambdaHandler(app)
