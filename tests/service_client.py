"""A client of the tested service, which finds it by its public URL too."""

from typing import Any, Final

import httpx2

PUBLIC_URL: Final = "https://todos.example.com"
"""The public URL of the tested service. No name server knows it."""


class ServiceClient(httpx2.Client):
    """A client that reaches the tested service by its public URL, as a name server makes it. So it can follow links."""

    def build_request(self, method: str, url: httpx2.URL | str, **options: Any) -> httpx2.Request:
        return super().build_request(method, str(url).removeprefix(PUBLIC_URL), **options)
