"""Smallest FastAPI function on Lambda: one route and Mangum."""

from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/health")
async def read_health() -> dict[str, str]:
    return {"status": "ok"}


handler = Mangum(app, lifespan="off")
