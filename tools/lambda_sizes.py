"""Prints what each Lambda function of the last `sam build` loads, unpacked."""

import sys
from pathlib import Path
from typing import Final

import yaml

_MEGABYTE: Final = 1_000_000


def size(folder: Path) -> int:
    """In bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(build: Path) -> None:
    resources = yaml.safe_load((build / "template.yaml").read_text())["Resources"]
    sizes = {
        name: size(build / name)
        for name, resource in resources.items()
        if resource["Type"] in {"AWS::Serverless::LayerVersion", "AWS::Serverless::Function"}
    }
    rows = []
    for name, own in sizes.items():
        layers = [layer["Ref"] for layer in resources[name]["Properties"].get("Layers", [])]
        rows.append((name, own + sum(sizes[layer] for layer in layers), layers))
    for name, total, layers in rows:
        print(f"{name:<18}{total / _MEGABYTE:6.1f} MB{' with ' if layers else ''}{', '.join(layers)}")  # noqa: T201 - its purpose


if __name__ == "__main__":
    main(Path(sys.argv[1]))
