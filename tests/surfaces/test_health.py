"""GET /health and GET /health/ready."""

import httpx2
import pytest


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_a_healthy_service_answers_ok(client: httpx2.Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health", "/health/ready"])
def test_pages_of_other_origins_cannot_read_it(client: httpx2.Client, path: str) -> None:
    response = client.get(path, headers={"Origin": "https://evil.example.net"})

    assert "access-control-allow-origin" not in response.headers
