"""Responses to CloudFormation for a custom resource. Without a response, the stack would wait for an hour.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable
from threading import Lock, Timer
from typing import Final, Literal, NotRequired, Protocol, TypedDict
from urllib.error import URLError
from urllib.request import Request, urlopen

from todo_core.logs import format_stack, log

RESPONSE_SECONDS: Final = 10
"""Time at the end of the invocation that is reserved for the response."""
MAX_ATTEMPTS: Final = 4
MAX_REASON_CHARACTERS: Final = 1_000
"""Bound of the reason. CloudFormation accepts 4,096 bytes for the whole response."""


class CustomResourceEvent(TypedDict):
    """Request of CloudFormation, with the fields that this module reads."""

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]


class InvocationContext(Protocol):
    """Part of Lambda's context object that this module uses."""

    def get_remaining_time_in_millis(self) -> int: ...


def run_and_respond(event: CustomResourceEvent, context: InvocationContext, work: Callable[[], None]) -> None:
    """Runs the work of a creation or an update, and sends CloudFormation one response: success or the error.

    A deletion runs nothing and succeeds. Work that is still running shortly before the invocation times out is
    reported as failed.
    """
    response = _Response(event)
    seconds = max(context.get_remaining_time_in_millis() / 1000 - RESPONSE_SECONDS, 0)
    timer = Timer(seconds, response.send_once, ["FAILED", f"It did not end within {seconds:.0f} seconds."])
    timer.daemon = True
    timer.start()
    try:
        if event["RequestType"] != "Delete":
            work()
    except Exception as error:  # noqa: BLE001 - CloudFormation needs a response for every error
        log.error("The deployment's work failed", extra={"error": format_stack(error)})
        # PostgreSQL's further lines may quote the values of a row.
        first_line = str(error).partition("\n")[0]
        response.send_once("FAILED", f"{type(error).__name__}: {first_line}"[:MAX_REASON_CHARACTERS])
    else:
        response.send_once("SUCCESS", "")
    finally:
        timer.cancel()


class _Response:
    """Response to one request. The work and the timer both try to send it; the first one succeeds."""

    def __init__(self, event: CustomResourceEvent) -> None:
        self._event = event
        self._sending = Lock()

    def send_once(self, status: Literal["SUCCESS", "FAILED"], reason: str) -> None:
        """Sends the response, unless another call has sent it."""
        if not self._sending.acquire(blocking=False):
            return
        event = self._event
        response = {
            "Status": status,
            "Reason": reason,
            # It never changes: CloudFormation deletes the resource of the old id when it gets a new one.
            "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
        _put(event["ResponseURL"], json.dumps(response).encode())


def _put(url: str, body: bytes) -> None:
    """Uploads the body to the URL, with retries. A response that CloudFormation never receives is only logged."""
    # The URL's signature covers an empty content type. CloudFormation chose the URL.
    request = Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with urlopen(request, timeout=2):  # noqa: S310
                return
        except (URLError, TimeoutError) as error:
            log.warning("CloudFormation was not reached", extra={"attempt": attempt, "error": format_stack(error)})
            time.sleep(attempt / 10)
