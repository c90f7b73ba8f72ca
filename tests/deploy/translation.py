"""Translates template.yaml by SAM's own translator, as CloudFormation does in a deployment."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from functions.migrate.custom_resource import settings_hash
from tests.deploy import artifacts, template

_TRANSLATE: Final = """
import copy, json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

LOCATIONS = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
template = yaml_parse(open(sys.argv[1]).read())
stacks = []
for deployment in json.load(sys.stdin):
    packaged = copy.deepcopy(template)
    for name, resource in packaged["Resources"].items():
        if location := LOCATIONS.get(resource["Type"]):
            resource["Properties"][location] = "s3://bucket/" + deployment["artifacts"].get(name, name)
    stacks.append(Translator({}, Parser()).translate(packaged, deployment["parameters"]))
print(json.dumps(stacks))
"""
"""Script for the Python of the SAM CLI. It sets places of uploaded artifacts, as `sam package` does."""


@dataclass(frozen=True)
class Deployment:
    """Values of parameters, and names of uploaded artifacts by resource, that differ from the first deployment."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """A translated template and the values of its parameters."""

    def __init__(self, document: dict[str, Any], parameters: Mapping[str, str]) -> None:
        self._document = document
        self._resources: dict[str, Any] = _insert(document["Resources"], parameters)
        for name, value in parameters.items():
            parameter = document["Parameters"][name]
            parameter["Default"] = int(value) if parameter["Type"] == "Number" else value

    def to_json(self) -> str:
        """Returns the template for CloudFormation. The values of parameters are their defaults."""
        return json.dumps(self._document)

    def of_type(self, of_type: str) -> dict[str, Any]:
        """Returns the properties of all resources of a type, by logical id, with the values of parameters."""
        found = self._resources.items()
        return {name: resource["Properties"] for name, resource in found if resource["Type"] == of_type}

    def settings_hash(self) -> str:
        (schema,) = self.of_type("Custom::DatabaseSchema").values()
        return settings_hash(schema)

    def published(self) -> dict[str, tuple[str, str]]:
        """Returns logical id and properties (as JSON) of the version to which the alias of each function points.

        CloudFormation makes a new version for another logical id, and when a property changes: none can be updated.
        """
        hashed = json.dumps({"Fn::GetAtt": ["DatabaseSchema", "SettingsHash"]})
        versions = self.of_type("AWS::Lambda::Version")
        pointers = {
            alias["FunctionName"]["Ref"]: alias["FunctionVersion"]["Fn::GetAtt"][0]
            for alias in self.of_type("AWS::Lambda::Alias").values()
        }
        return {
            function: (version, json.dumps(versions[version]).replace(hashed, self.settings_hash()))
            for function, version in pointers.items()
        }


def _insert(value: Any, parameters: Mapping[str, str]) -> Any:
    match value:
        case {"Ref": str(name)} if name in parameters:
            return parameters[name]
        case dict():
            return {key: _insert(inner, parameters) for key, inner in value.items()}
        case list():
            return [_insert(inner, parameters) for inner in value]
        case _:
            return value


def translate(deployments: Iterable[Deployment]) -> list[Stack]:
    """Translates template.yaml for each of several deployments, in one process: its start takes a second."""
    defaults = {name: str(parameter["Default"]) for name, parameter in template.load()["Parameters"].items()}
    given = [
        {"parameters": defaults | dict(deployment.parameters), "artifacts": dict(deployment.artifacts)}
        for deployment in deployments
    ]
    ended = subprocess.run(
        (artifacts.TOOLS / "bin/python", "-c", _TRANSLATE, template.PATH),
        input=json.dumps(given),
        env=artifacts.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    documents = json.loads(ended.stdout)
    return [Stack(document, deployment["parameters"]) for document, deployment in zip(documents, given, strict=True)]
