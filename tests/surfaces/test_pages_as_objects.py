"""Pages of lists as objects: `Accept: application/json; profile=page` gets the same page with the link in its body."""

from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from tests.accounts import PROJECTS, TAGS, TODOS, Account, problem
from tests.operations import Operation, committed_document, operations_of
from tests.surfaces.adversarial.adversary import Victim
from tests.surfaces.test_every_operation import paths_of

PAGE: Final = "application/json; profile=page"
DOCUMENT: Final = committed_document()
LISTS: Final = [each for each in operations_of(DOCUMENT) if PAGE in each.responses.get("200", {}).get("content", {})]
VERSIONED: Final = [TODOS, f"{TODOS}?trashed=true", f"{TODOS}?q=milk", PROJECTS, TAGS]


def read(account: Account, path: str, accept: str = PAGE, **headers: str) -> httpx2.Response:
    return account.client.get(path, headers={"Accept": accept, **headers})


def page_of(response: httpx2.Response) -> dict[str, Any]:
    assert (response.status_code, response.headers["content-type"]) == (200, PAGE), response.text
    page: dict[str, Any] = response.json()
    return page


def varies_by_accept(response: httpx2.Response) -> bool:
    return "Accept" in {name.strip() for name in response.headers["vary"].split(",")}


def test_every_list_has_pages() -> None:
    arrays = [
        each.path
        for each in operations_of(DOCUMENT)
        if each.responses.get("200", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("type")
        == "array"
    ]
    assert len(arrays) > 12
    assert [each.path for each in LISTS] == arrays


@pytest.mark.parametrize("operation", LISTS, ids=str)
def test_a_page_has_the_items_and_headers_of_the_list(operation: Operation, victim: Victim) -> None:
    path = f"{paths_of(operation, victim)[0]}?limit=1"
    listed, response = victim.account.client.get(path), read(victim.account, path)
    page = page_of(response)

    assert isinstance(listed.json(), list)
    assert page["items"] == listed.json()
    assert page["next"] == response.links.get("next", {}).get("url")
    assert page["next"] == listed.links.get("next", {}).get("url")
    if "cursor" in operation.parameters:
        query = parse_qs(urlsplit(page["next"] or "").query)
        assert query.get("cursor", [None]) == [page["next_cursor"]]
    if "x-change-seq" in listed.headers:
        assert page["change_seq"] == int(listed.headers["x-change-seq"])
    schema = operation.responses["200"]["content"][PAGE]["schema"]["$ref"].rpartition("/")[2]
    assert page.keys() == DOCUMENT["components"]["schemas"][schema]["properties"].keys()
    assert varies_by_accept(listed)
    assert varies_by_accept(response)


@pytest.mark.parametrize("path", [TODOS, f"{TODOS}/changes"])
def test_a_client_follows_the_pages_to_the_end(ada: Account, path: str) -> None:
    for number in range(5):
        ada.add(str(number))
    found, url = [], f"{path}?limit=2"
    while url:
        page = page_of(read(ada, url))
        found += page["items"]
        url = page["next"]
    assert found == ada.client.get(path).json()


def test_a_client_follows_the_cursors_to_the_end(ada: Account) -> None:
    for number in range(5):
        ada.add(str(number))
    page = page_of(read(ada, f"{TODOS}?limit=2"))
    titles = [todo["title"] for todo in page["items"]]
    while page["next_cursor"] is not None:
        params = {"limit": 2, "cursor": page["next_cursor"]}
        page = page_of(ada.client.get(TODOS, params=params, headers={"Accept": PAGE}))
        titles += [todo["title"] for todo in page["items"]]
    assert titles == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("path", VERSIONED)
def test_the_etag_of_a_page_is_not_that_of_the_list(ada: Account, path: str) -> None:
    ada.add("Buy milk", tags=["home"])
    tags = {accept: read(ada, path, accept).headers["etag"] for accept in (PAGE, "application/json")}
    assert tags[PAGE] != tags["application/json"]
    for accept, tag in tags.items():
        for given, own in tags.items():
            response = read(ada, path, given, **{"If-None-Match": own if given == accept else tag})
            assert response.status_code == (304 if given == accept else 200)
            assert varies_by_accept(response)


def test_a_page_that_has_changed_is_sent_again(ada: Account) -> None:
    etag = read(ada, TODOS).headers["etag"]
    ada.add("Buy milk")
    page = page_of(read(ada, TODOS, **{"If-None-Match": etag}))
    assert [todo["title"] for todo in page["items"]] == ["Buy milk"]


@pytest.mark.parametrize(
    "accept",
    [
        "application/json;profile=page",
        'APPLICATION/JSON; Profile="page"',
        "application/json, application/json; profile=page",
        "text/html, application/json; profile=page; q=0.9, */*; q=0.1",
    ],
)
def test_every_spelling_of_the_media_type_selects_it(ada: Account, accept: str) -> None:
    assert page_of(read(ada, TODOS, accept))["items"] == []


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/json; profile=pages",
        "application/json; profile=page; q=0",
        "application/json; profile=page; q=0.5, application/json",
        "application/json; profile=page; q=nan",
        "text/plain; profile=page",
    ],
)
def test_other_media_types_get_the_list(ada: Account, accept: str) -> None:
    response = read(ada, TODOS, accept)
    assert (response.json(), response.headers["content-type"]) == ([], "application/json")


def test_errors_stay_problem_documents(ada: Account) -> None:
    problem(read(ada, f"{TODOS}?cursor=wrong"), 400, "invalid_cursor")


def test_a_stream_of_changes_has_precedence(ada: Account) -> None:
    # A stream that is asked for by HEAD ends at once.
    response = ada.client.head(f"{TODOS}/changes", headers={"Accept": f"{PAGE}, text/event-stream"})
    assert response.headers["content-type"].startswith("text/event-stream")
    assert varies_by_accept(response)


def test_head_describes_the_page(ada: Account) -> None:
    ada.add()
    head, page = ada.client.head(TODOS, headers={"Accept": PAGE}), read(ada, TODOS)
    assert head.content == b""
    for name in ("content-type", "content-length", "etag"):
        assert head.headers[name] == page.headers[name]


def test_a_single_todo_has_no_page(ada: Account) -> None:
    todo = ada.add()
    response = read(ada, todo["url"])
    assert (response.json(), response.headers["content-type"]) == (todo, "application/json")
