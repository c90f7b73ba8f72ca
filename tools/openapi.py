"""Writes functions/meta/openapi.json: the OpenAPI document of the whole service."""

import json
from pathlib import Path

from functions.main import app
from todo_core.web.openapi import build_document

_TARGET = Path(__file__).parents[1] / "functions" / "meta" / "openapi.json"

if __name__ == "__main__":
    _TARGET.write_text(json.dumps(build_document(app), indent=2, ensure_ascii=False) + "\n")
