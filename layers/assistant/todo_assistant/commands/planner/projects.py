"""Finds and adds the projects that commands name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from todo_assistant.commands.planner.plans import Answer, Plan, PlanEnded, call
from todo_assistant.commands.wording.results import describe_results

_NOUN: Final = re.compile(r"^(?:the|my) | (?:list|project)$", re.IGNORECASE)
"""Finds words around the name of a project that may not belong to it: `the Work list`."""


@dataclass(frozen=True, slots=True)
class Projects:
    """The user's projects by their names, without regard to upper and lower case."""

    names: dict[str, str]

    def find(self, name: str) -> str | None:
        """Returns the name as the project has it, also if the given name ends with `list` or `project`."""
        return self.names.get(name.casefold()) or self.names.get(_NOUN.sub("", name).casefold())


def find_projects() -> Plan[Projects]:
    listed = yield from call("list_projects", {})
    return Projects({project["name"].casefold(): project["name"] for project in listed.result["projects"]})


def add_missing_projects(names: Sequence[str], existing: Projects) -> Plan[str]:
    """Adds the projects that do not exist yet, and returns the sentences that report them, or an empty text.

    Ends the plan if a project cannot be added.
    """
    missing = [name for name in dict.fromkeys(names) if existing.find(name) is None]
    if not missing:
        return ""
    added = yield from call("add_projects", {"names": [*missing]})
    said = describe_results([added])
    if not all(item["ok"] for item in added.items):
        raise PlanEnded(Answer(said))
    existing.names.update({name.casefold(): name for name in missing})
    return f"{said}\n"
