"""The protocol of a CloudFormation custom resource: whatever happens, the stack is told, or it would wait for an hour.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable
from threading import Lock, Timer
from typing import Final, Literal, NotRequired, Protocol, TypedDict
from urllib.error import URLError
from urllib.request import Request, urlopen

from todo_core.logs import log, place_of

_SECONDS_TO_ANSWER: Final = 10
_ATTEMPTS: Final = 4
_LONGEST_REASON: Final = 1_000
"""In characters; the whole answer may have 4,096 bytes."""


class CustomResourceEvent(TypedDict):
    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]


class Invocation(Protocol):
    """What of Lambda's context counts here."""

    def get_remaining_time_in_millis(self) -> int: ...


def carry_out(event: CustomResourceEvent, invocation: Invocation, work: Callable[[], None]) -> None:
    """Does the work of a creation or an update, and answers the stack once: that it is done, or why it failed.

    A deletion has no work. Work that takes longer than the invocation may is answered as failed before that ends.
    """
    answer = _Answer(event)
    seconds = max(invocation.get_remaining_time_in_millis() / 1000 - _SECONDS_TO_ANSWER, 0)
    alarm = Timer(seconds, answer.give, ["FAILED", f"It did not end within {seconds:.0f} seconds."])
    alarm.daemon = True
    alarm.start()
    try:
        if event["RequestType"] != "Delete":
            work()
    except Exception as error:  # noqa: BLE001 - the stack is told of whatever it is
        log.error("The deployment's work failed", extra={"error": place_of(error)})
        # Only the first line: what PostgreSQL says in detail may quote a row.
        reason = str(error).partition("\n")[0]
        answer.give("FAILED", f"{type(error).__name__}: {reason}"[:_LONGEST_REASON])
    else:
        answer.give("SUCCESS", "")
    finally:
        alarm.cancel()


class _Answer:
    """Is given once, by the work or by the alarm, whichever comes first."""

    def __init__(self, event: CustomResourceEvent) -> None:
        self._event = event
        self._taken = Lock()

    def give(self, status: Literal["SUCCESS", "FAILED"], reason: str) -> None:
        if not self._taken.acquire(blocking=False):
            return
        event = self._event
        answer = {
            "Status": status,
            "Reason": reason,
            # The same one always: another would have the stack delete the old one, as if it had been replaced.
            "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
        _put(event["ResponseURL"], json.dumps(answer).encode())


def _put(url: str, body: bytes) -> None:
    # Signed for an empty content type. The URL is CloudFormation's own.
    request = Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with urlopen(request, timeout=2):  # noqa: S310
                return
        except (URLError, TimeoutError) as error:
            log.warning("The stack was not reached", extra={"attempt": attempt, "error": place_of(error)})
            time.sleep(attempt / 10)
