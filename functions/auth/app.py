import functions.auth.links.routes
import functions.auth.pages.routes
import functions.auth.passkeys.login
import functions.auth.passkeys.routes
import functions.auth.routes
import functions.auth.second_factor.routes
import functions.auth.tokens.routes
from todo_core.web.app import create_app
from todo_core.web.lambda_handler import LambdaHandler

app = create_app(
    functions.auth.routes.router,
    functions.auth.second_factor.routes.router,
    functions.auth.passkeys.routes.router,
    functions.auth.passkeys.login.router,
    functions.auth.tokens.routes.router,
    functions.auth.links.routes.router,
    functions.auth.pages.routes.router,
)
handler = LambdaHandler(app)
