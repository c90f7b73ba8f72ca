"""The page and its files: caching, compression and policies. tests/page uses it in a browser."""

import gzip
import json
import re
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx2
import pytest

from functions.web import files
from tests.accounts import problem
from tests.conftest import FRONT_END
from tests.surfaces.test_meta import references

IMMUTABLE = "public, max-age=31536000, immutable"
PLAIN = {"Accept-Encoding": "identity"}


def version_of(client: httpx2.Client) -> str:
    (version,) = set(re.findall(r"/page/([0-9a-f]{16})/", client.get("/").text))
    return str(version)


def served_paths() -> Iterator[str]:
    page = files.find_page(is_stable=False)
    return (path for path in page.files if page.find_file(path))


class TestDocument:
    def test_it_is_html_in_utf_8(self, client: httpx2.Client) -> None:
        response = client.get("/")

        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.text.startswith("<!doctype html>")

    def test_it_needs_no_session_and_is_the_same_for_all(self, client: httpx2.Client) -> None:
        response = client.get("/")

        assert response.content == client.get("/").content
        assert "set-cookie" not in response.headers

    def test_it_is_revalidated_at_each_use(self, client: httpx2.Client) -> None:
        response = client.get("/")
        again = client.get("/", headers={"If-None-Match": response.headers["etag"]})

        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "cache-control", "content-security-policy", "vary"):
            assert again.headers[name] == response.headers[name]
        assert response.headers["cache-control"] == "no-cache"

    def test_another_tag_gets_the_document(self, client: httpx2.Client) -> None:
        assert client.get("/", headers={"If-None-Match": 'W/"0123456789abcdef"'}).status_code == 200

    def test_its_policy_allows_only_this_service_and_no_inline_code(self, client: httpx2.Client) -> None:
        response = client.get("/")

        policy = dict(part.partition(" ")[::2] for part in response.headers["content-security-policy"].split("; "))
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' data:",
            "connect-src": "'self'",
            "manifest-src": "'self'",
            "worker-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "lit-html service-worker",
        }
        assert not re.search(r"<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=|javascript:", response.text)

    def test_other_windows_cannot_reach_it(self, client: httpx2.Client) -> None:
        assert client.get("/").headers["cross-origin-opener-policy"] == "same-origin"

    def test_it_names_no_other_host(self, client: httpx2.Client) -> None:
        response = client.get("/")

        assert not re.search(r"https?:|//", response.text)
        assert all(not reference.startswith("//") for reference in references(response))

    def test_all_that_it_refers_to_is_served(self, client: httpx2.Client) -> None:
        page = client.get("/")
        found = [reference for reference in references(page) if "/page/" in reference]

        assert {reference.rpartition(".")[2] for reference in found} >= {"js", "css", "svg", "webmanifest"}
        for reference in found:
            response = client.get(urljoin(str(page.request.url), reference))
            assert (response.status_code, response.headers["cache-control"]) == (200, IMMUTABLE)

    def test_head_has_the_headers_of_get(self, client: httpx2.Client) -> None:
        response = client.head("/")

        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["etag"] == client.get("/").headers["etag"]

    def test_a_form_cannot_be_sent_to_it(self, client: httpx2.Client) -> None:
        problem(client.post("/"), 405, "method_not_allowed")


class TestFiles:
    def test_a_file_is_kept_for_ever(self, client: httpx2.Client, subtests: pytest.Subtests) -> None:
        version = version_of(client)
        for path in served_paths():
            with subtests.test(path=path):
                response = client.get(f"/page/{version}/{path}")

                assert response.status_code == 200
                assert response.content == files.read_stripped(files.FOLDER / path)
                assert response.headers["content-type"] == files.TYPES[f".{path.rpartition('.')[2]}"]
                assert response.headers["cache-control"] == IMMUTABLE
                assert "Accept-Encoding" in response.headers["vary"].split(", ")

    def test_a_file_is_compressed_for_clients_that_accept_it(self, client: httpx2.Client) -> None:
        url = f"/page/{version_of(client)}/favicon.svg"

        compressed, plain = client.get(url, headers={"Accept-Encoding": "gzip"}), client.get(url, headers=PLAIN)

        assert compressed.headers["content-encoding"] == "gzip"
        assert int(compressed.headers["content-length"]) < len(plain.content)
        assert "content-encoding" not in plain.headers
        assert compressed.content == plain.content

    def test_a_file_of_another_version_may_not_be_kept(self, client: httpx2.Client) -> None:
        """A deployment replaces the processes: the document may come from one, and its files from another."""
        response = client.get("/page/0123456789abcdef/main.js")

        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")

    @pytest.mark.parametrize(
        "path",
        [
            *("nothing.js", "", "index.html", "sw.js", "../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "%00"),
            *("main.js.gz", "/main.js", "api", "api/types.d.ts", "tsconfig.json%00.js", "..%5croutes.py"),
        ],
    )
    def test_nothing_else_is_served(self, client: httpx2.Client, path: str) -> None:
        problem(client.get(f"/page/{version_of(client)}/{path}"), 404, "route_not_found")

    def test_files_do_not_count_for_the_rate_limit(self, client: httpx2.Client) -> None:
        def rest() -> str:
            return str(client.get("/sw.js").headers["ratelimit"]).partition(";t=")[0]

        before = rest()
        files_of_a_visit = [client.get("/page/1/main.js") for _ in range(20)]

        assert all("ratelimit" not in response.headers for response in files_of_a_visit)
        assert int(before.rpartition("=")[2]) - int(rest().rpartition("=")[2]) <= 1

    def test_files_have_no_headers_for_pages_of_other_origins(self, client: httpx2.Client) -> None:
        response = client.get("/page/1/main.js", headers={"Origin": FRONT_END})

        assert response.headers["vary"] == "Accept-Encoding"
        assert not any(name.startswith("access-control-") for name in response.headers)


class TestWorker:
    def test_it_is_revalidated_at_each_use(self, client: httpx2.Client) -> None:
        response = client.get("/sw.js")

        assert response.headers["content-type"] == "text/javascript; charset=utf-8"
        assert response.headers["cache-control"] == "no-cache"
        assert client.get("/sw.js", headers={"If-None-Match": response.headers["etag"]}).status_code == 304

    def test_it_stores_all_files_of_the_version(self, client: httpx2.Client) -> None:
        line = client.get("/sw.js").text.partition("\n")[0]
        stored = json.loads(line.removeprefix("const PAGE = ").removesuffix(";"))

        assert stored["version"] == version_of(client)
        assert sorted(stored["files"]) == sorted(served_paths())

    def test_it_may_only_load_files_of_the_service(self, client: httpx2.Client) -> None:
        policy = client.get("/sw.js").headers["content-security-policy"]
        assert policy == "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"


class TestCompression:
    def test_the_document_and_the_worker_are_compressed(self, client: httpx2.Client) -> None:
        for path in ("/", "/sw.js"):
            response = client.get(path, headers={"Accept-Encoding": "gzip"})
            assert response.headers["content-encoding"] == "gzip"
            assert response.content == client.get(path, headers=PLAIN).content

    def test_it_is_the_same_in_every_process(self) -> None:
        assert files.compress(b"a" * 100) == files.compress(b"a" * 100)
        assert gzip.decompress(files.compress(b"a" * 100)) == b"a" * 100
