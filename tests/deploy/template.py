"""Reads template.yaml, the AWS SAM template of the service."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
PATH: Final = ROOT / "template.yaml"


class _Loader(yaml.SafeLoader):
    """YAML loader that reads short forms of CloudFormation's functions: `!Ref X` becomes `{"Ref": "X"}`."""


def _construct_function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    """Converts a short form such as `!Ref X` to a mapping from the CloudFormation function to its arguments."""
    match node:
        case yaml.ScalarNode():
            arguments: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            arguments = loader.construct_sequence(node, deep=True)
        case _:
            raise TypeError(f"!{name} has neither a scalar nor a list at {node.start_mark}")
    return {name: arguments}


_Loader.add_multi_constructor("!", _construct_function)


@cache
def load() -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(PATH.read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return document


def resources(of_type: str) -> dict[str, dict[str, Any]]:
    """Returns the properties of all resources of a type in template.yaml, by the name of the resource."""
    found = load()["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == of_type}


def functions() -> dict[str, dict[str, Any]]:
    return resources("AWS::Serverless::Function")


def layers_of(function: str) -> list[str]:
    """Returns the names of a function's layers: those of Globals, then its own."""
    common = load()["Globals"]["Function"]["Layers"]
    return [layer["Ref"] for layer in (*common, *functions()[function].get("Layers", []))]


def timeout(function: str) -> int:
    """Returns the seconds after which Lambda ends an invocation of the function."""
    seconds: int = {**load()["Globals"]["Function"], **functions()[function]}["Timeout"]
    return seconds
