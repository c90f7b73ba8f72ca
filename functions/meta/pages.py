"""The pages that show the OpenAPI document, with a policy that lets them load nothing but their own parts."""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final

from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

from todo_core.web import openapi

_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_POLICY: Final = (
    "default-src 'none'; script-src {scripts}; worker-src blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the pages. ReDoc searches in a worker from a blob. Both libraries add styles."""


def render_swagger_ui(root: str) -> HTMLResponse:
    """Returns the page /docs of a service whose paths begin with `root`."""
    return _with_policy(
        get_swagger_ui_html(
            title=openapi.TITLE,
            openapi_url=f"{root}/openapi.json",
            swagger_js_url=f"{root}/docs/assets/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/assets/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/assets/favicon.png",
            swagger_ui_parameters={"persistAuthorization": True},
        )
    )


def render_redoc(root: str) -> HTMLResponse:
    """Returns the page /redoc of a service whose paths begin with `root`."""
    return _with_policy(
        get_redoc_html(
            title=openapi.TITLE,
            openapi_url=f"{root}/openapi.json",
            redoc_js_url=f"{root}/docs/assets/redoc.standalone.js",
            redoc_favicon_url=f"{root}/docs/assets/favicon.png",
            with_google_fonts=False,
        )
    )


def _with_policy(page: HTMLResponse) -> HTMLResponse:
    """Adds the policy, which allows the inline scripts of the page by their hashes, and no others."""
    scripts = _INLINE_SCRIPT.findall(bytes(page.body).decode())
    hashes = [f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts]
    page.headers["Content-Security-Policy"] = _POLICY.format(scripts=" ".join(["'self'", *hashes]))
    return page
