"""Costs of requests: an expensive one counts as several requests for the rate limit. Routes register their cost."""

from typing import Final

_costs: Final[dict[tuple[str, str], int]] = {}


def register_cost(method: str, path: str, cost: int) -> None:
    """Makes each request with this method and exact path count as `cost` requests."""
    _costs[method, path] = cost


def find_cost(method: str, path: str) -> int:
    return _costs.get((method, path), 1)
