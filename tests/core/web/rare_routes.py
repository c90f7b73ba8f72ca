"""Routes that only test_lazy_routes.py needs, through LazyRoutes."""

from fastapi import APIRouter

router = APIRouter(prefix="/rare")


@router.get("/{name}")
async def greet(name: str) -> dict[str, str]:
    return {"name": name}


@router.delete("/{name}", status_code=204)
async def forget(name: str) -> None:
    """Answers another method of the path of `greet`."""
