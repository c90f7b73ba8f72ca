from dataclasses import dataclass

HELP = "help"


@dataclass(frozen=True)
class Target:
    text: str | None = None
    tags: tuple = ()
    every: bool = False
    overdue: bool = False
    completed: bool | None = None
    number: int | None = None


class Add:
    pass


class Find:
    pass


class Overview:
    pass


class Undo:
    pass


class Help:
    pass


class Unknown:
    pass


class Complete:
    pass


class Reopen:
    pass


class Reschedule:
    pass


class Update:
    pass


class Delete:
    pass


class Restore:
    pass


type Command = Add


def parse(*a, **k):
    raise NotImplementedError
