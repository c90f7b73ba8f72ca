from mangum import Mangum

from functions.chat.routes import router
from todo_core.web.app import create_app

app = create_app(router)
handler = Mangum(app, lifespan="off")
