"""The time that tests give to what must happen but is not measured."""

from typing import Final

ROOM_SECONDS: Final = 60
"""Longest wait for an answer, the end of a process or a condition. On an idle machine, such waits take a second.

Tests share their machine with other work, which may slow them down tenfold. A test that measures a time has its own
bound.
"""
