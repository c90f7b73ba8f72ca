"""Checks the file with the parameters of a deployment, and writes the defaults of all parameters for `sam deploy`.

Usage, in the root of the project: `deploy_parameters.py CONFIG_ENV`. CloudFormation keeps the last value of a parameter
that a deployment does not give. With the defaults, a parameter that was removed from the file has its default again.
"""

import sys
from pathlib import Path
from typing import Any, Final

import yaml

TEMPLATE: Final = Path("template.yaml")
DEFAULTS: Final = Path(".aws-sam/defaults.yaml")
SECRET: Final = "SettingsSecretArn"  # noqa: S105 - the name of a parameter


class _Loader(yaml.SafeLoader):
    """YAML loader that ignores CloudFormation's functions, which parameters do not use."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def read_defaults() -> dict[str, str]:
    """Returns the defaults of the template's parameters."""
    template = yaml.load(TEMPLATE.read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return {name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()}


def check(file: Path, known: dict[str, str]) -> None:
    """Ends the process with a sentence that says how to proceed if the file is missing or wrong."""
    if not file.exists():
        raise SystemExit(
            f"{file} is missing. It contains your parameters; the ARN of the secret is enough "
            f"(docs/deploy-aws.md, step 1):\n  echo '{SECRET}: arn:aws:secretsmanager:...' > {file}"
        )
    given: Any = yaml.safe_load(file.read_text())
    if not isinstance(given, dict):
        raise SystemExit(f"{file} must consist of lines like `{SECRET}: arn:aws:secretsmanager:...`.")
    unknown = sorted(map(str, given.keys() - known.keys()))
    if unknown:
        raise SystemExit(f"{file}: {TEMPLATE} has no parameter {', '.join(unknown)}. Correct or remove it.")
    if not given.get(SECRET):
        raise SystemExit(f"{file} lacks {SECRET}, the ARN of the secret (docs/deploy-aws.md, step 1).")


if __name__ == "__main__":
    defaults = read_defaults()
    check(Path(f"parameters.{sys.argv[1]}.yaml"), defaults)
    DEFAULTS.parent.mkdir(exist_ok=True)
    DEFAULTS.write_text(yaml.safe_dump(defaults))
