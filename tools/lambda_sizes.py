"""Prints the unpacked size of each Lambda function and layer of the last `sam build`."""

import sys
from pathlib import Path
from typing import Final

import yaml

BYTES_PER_MEGABYTE: Final = 1_000_000


def size(folder: Path) -> int:
    """Returns the size of all files in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(build: Path) -> None:
    template = yaml.safe_load((build / "template.yaml").read_text())
    resources = template["Resources"]
    common = template["Globals"]["Function"]["Layers"]
    sizes = {
        name: size(build / name)
        for name, resource in resources.items()
        if resource["Type"] in {"AWS::Serverless::LayerVersion", "AWS::Serverless::Function"}
    }
    rows = []
    for name, own in sizes.items():
        is_function = resources[name]["Type"] == "AWS::Serverless::Function"
        used = [*common, *resources[name]["Properties"].get("Layers", [])] if is_function else []
        layers = [layer["Ref"] for layer in used]
        rows.append((name, own + sum(sizes[layer] for layer in layers), layers))
    for name, total, layers in rows:
        print(f"{name:<18}{total / BYTES_PER_MEGABYTE:6.1f} MB{' with ' if layers else ''}{', '.join(layers)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
