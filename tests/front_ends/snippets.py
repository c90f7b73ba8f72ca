"""Examples of docs/front-ends.md, and the pages that esbuild makes of those in React."""

import re
import subprocess
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = _ROOT / "tests/javascript/chat"
_PLACEHOLDER: Final = "https://todos.example.com"
_PAGE: Final = '<!doctype html><html lang="en"><title>Chat</title><link rel="icon" href="data:,"><div id="root"></div>'


def read_examples(language: str, url: str) -> list[str]:
    """Returns the examples of the page in one language, with the URL of the running service."""
    examples = re.findall(rf"```{language}\n(.*?)```", (_ROOT / "docs/front-ends.md").read_text(), re.DOTALL)
    return [example.replace(_PLACEHOLDER, url) for example in examples]


def build_page(source: str) -> str:
    """Returns an HTML page with the bundle of a React program. Its packages are those of npm, unchanged."""
    command = ["node_modules/.bin/esbuild", "--bundle", "--loader=jsx", "--jsx=automatic", "--format=iife"]
    built = subprocess.run([*command], cwd=_PACKAGES, input=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    # A bundle may hold the end tag in a string.
    script = built.stdout.replace("</script", "<\\/script")
    return f"{_PAGE}<script>{script}</script></html>"
