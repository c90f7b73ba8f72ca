"""GET /health and GET /health/ready."""

import httpx2
import pytest


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_all_is_well(client: httpx2.Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_no_page_of_another_origin_learns_of_it(client: httpx2.Client, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://evil.example.net"})

    assert "access-control-allow-origin" not in response.headers
