"""The OpenAPI document, and the pages that show it."""

import json
import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib import import_module
from urllib.parse import urljoin

import httpx2
import pytest

from tests.accounts import AUTH, TODOS, Account, problem
from todo_core.web import openapi

PAGES = ["/docs", "/redoc"]
TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png", "json": "application/json"}


class References(HTMLParser):
    """Parser that collects the URLs of an HTML page's links, scripts, images and OpenAPI document."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        # Swagger UI has the URL of the OpenAPI document in a script, not in an attribute as ReDoc does.
        self.found += [line.split("'")[1] for line in page.splitlines() if line.strip().startswith("url: ")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag
        # A fragment refers to a part of the page itself.
        self.found += [
            value
            for name, value in attrs
            if name in {"src", "href", "spec-url"} and value and not value.startswith("#")
        ]


def references(response: httpx2.Response) -> list[str]:
    return References(response.text).found


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_the_page_is_html_in_utf_8(self, client: httpx2.Client, path: str) -> None:
        response = client.get(path)

        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "<html" in response.text

    @pytest.mark.parametrize("path", PAGES)
    def test_the_page_refers_to_no_other_host(self, client: httpx2.Client, path: str) -> None:
        page = client.get(path).text

        assert "http:" not in page
        assert "https:" not in page
        assert all(reference.startswith("/") and reference[1] != "/" for reference in references(client.get(path)))

    @pytest.mark.parametrize("path", PAGES)
    def test_the_page_may_load_nothing_but_its_own_parts(self, client: httpx2.Client, path: str) -> None:
        page = client.get(path)

        policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
        scripts = re.findall(r"<script(.*?)>(.*?)</script>", page.text, re.DOTALL)
        hashes = [
            f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
            for attributes, text in scripts
            if "src=" not in attributes
        ]
        assert policy.pop("script-src").split() == ["'self'", *hashes]
        assert policy == {
            "default-src": "'none'",
            "worker-src": "blob:",
            "style-src": "'self' 'unsafe-inline'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
        assert not re.search(r"<[^>]+\son\w+=|javascript:", page.text)

    @pytest.mark.parametrize("path", PAGES)
    def test_all_files_of_the_page_are_served(self, client: httpx2.Client, path: str) -> None:
        found = references(client.get(path))

        assert {reference.rpartition(".")[2] for reference in found} >= {"js", "png", "json"}
        for reference in found:
            response = client.get(urljoin(str(client.base_url), reference))
            assert response.status_code == 200
            assert response.headers["content-type"].partition(";")[0] == TYPES[reference.rpartition(".")[2]]
            assert len(response.content) > 1000

    @pytest.mark.parametrize("path", PAGES)
    def test_the_page_shows_the_document_of_this_service(self, client: httpx2.Client, path: str) -> None:
        (reference,) = (found for found in references(client.get(path)) if found.endswith("openapi.json"))

        assert client.get(reference).json()["info"]["title"] == openapi.TITLE


class TestAssets:
    @pytest.mark.parametrize(
        "name",
        [
            "nothing.js",
            "index.html",
            "__init__.py",
            "%2e%2e",
            "..%2f__init__.py",
            "..%5c__init__.py",
            "%00",
            "/etc/passwd",
        ],
    )
    def test_any_other_file_is_not_found(self, client: httpx2.Client, name: str) -> None:
        problem(client.get(f"/docs/assets/{name}"), 404, "route_not_found")

    def test_the_folder_is_not_listed(self, client: httpx2.Client) -> None:
        problem(client.get("/docs/assets"), 404, "route_not_found")
        problem(client.get("/docs/assets/"), 404, "route_not_found")


class TestDocument:
    def test_the_document_covers_the_whole_service(self, client: httpx2.Client) -> None:
        response = client.get("/openapi.json")

        assert response.headers["content-type"] == "application/json"
        assert response.json() == json.loads(json.dumps(openapi.build_document(import_module("functions.main").app)))

    def test_the_document_needs_no_session_and_stays_the_same(self, client: httpx2.Client) -> None:
        assert client.get("/openapi.json").content == client.get("/openapi.json").content

    def test_a_tool_can_find_and_call_an_operation(self, client: httpx2.Client) -> None:
        document = client.get("/openapi.json").json()

        assert document["openapi"].startswith("3.1.")
        assert set(document["paths"][TODOS]) == {"get", "post", "delete"}
        assert client.get(urljoin(str(client.base_url), TODOS)).status_code == 401

    def test_the_document_lists_the_headers_of_every_response(self, ada: Account) -> None:
        document = ada.client.get("/openapi.json").json()
        known = {name.lower() for name in document["components"]["headers"]}
        todo = ada.add()
        ada.add()
        url, one = f"{TODOS}/{todo['id']}", f"{TODOS}/{{todo_id}}"

        def repeat(method: str, url: str, **body: object) -> httpx2.Response:
            headers = {"Idempotency-Key": "milk"}
            _, replayed = (ada.client.request(method, url, headers=headers, **body) for _ in range(2))  # type: ignore[arg-type]
            return replayed

        for method, path, response in (
            ("post", TODOS, repeat("POST", TODOS, json={"title": "Buy milk"})),
            ("get", TODOS, ada.client.get(TODOS, params={"limit": 1})),
            ("get", one, ada.client.get(url)),
            ("get", one, ada.client.get(url, headers={"If-None-Match": f'"{todo["version"]}"'})),
            ("patch", one, repeat("PATCH", url, json={"completed": True})),
            ("delete", one, repeat("DELETE", url)),
            ("get", one, ada.client.get(url)),
            ("get", f"{AUTH}/me", ada.client.get(f"{AUTH}/me")),
            ("get", "/health", ada.client.get("/health")),
            ("post", f"{AUTH}/logout", ada.client.post(f"{AUTH}/logout")),
            ("get", TODOS, ada.client.get(TODOS)),
        ):
            described = document["paths"][path][method]["responses"][str(response.status_code)]["headers"]
            assert {name.lower() for name in described} == known & response.headers.keys()


class TestRanges:
    URL = "/docs/assets/swagger-ui.css"

    def test_a_part_of_a_file_is_sent(self, client: httpx2.Client) -> None:
        part = client.get(self.URL, headers={"Range": "bytes=2-5"})

        assert (part.status_code, part.content) == (206, client.get(self.URL).content[2:6])

    def test_a_range_outside_the_file_is_a_problem_document(self, client: httpx2.Client) -> None:
        size = len(client.get(self.URL).content)
        refusal = client.get(self.URL, headers={"Range": f"bytes={size}-"})

        problem(refusal, 416, "range_not_satisfiable")
        assert refusal.headers["content-range"] == f"bytes */{size}"

    @pytest.mark.parametrize("text", ["bytes", "bytes=", "bytes=-", "bytes=5-2", "lines=1-2", "bytes=a-b", "=", "\xff"])
    def test_a_malformed_range_is_ignored(self, client: httpx2.Client, text: str) -> None:
        response = client.get(self.URL, headers=[(b"Range", text.encode("latin-1"))])

        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/css")
