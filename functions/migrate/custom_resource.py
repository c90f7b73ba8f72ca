"""Sends CloudFormation the response to an event of a custom resource.

Without a response, the deployment waits until the resource's ServiceTimeout ends, which is an hour by default.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock, Timer
from typing import Final, Literal, NotRequired, Protocol, TypedDict
from urllib.error import URLError
from urllib.request import Request, urlopen

from todo_core.logs import format_stack, log

RESPONSE_SECONDS: Final = 10
"""Time at the end of a Lambda invocation that is reserved for sending the response."""
MAX_ATTEMPTS: Final = 4
MAX_REASON_CHARACTERS: Final = 1_000
"""Longest reason in a response. CloudFormation accepts at most 4,096 bytes for the whole response."""


class CustomResourceEvent(TypedDict):
    """CloudFormation's request to a custom resource, with only the fields that this module reads."""

    RequestType: Literal["Create", "Update", "Delete"]
    ResponseURL: str
    StackId: str
    RequestId: str
    LogicalResourceId: str
    PhysicalResourceId: NotRequired[str]
    ResourceProperties: Mapping[str, object]


class InvocationContext(Protocol):
    """The part of Lambda's context object that `run_and_respond` uses."""

    def get_remaining_time_in_millis(self) -> int: ...


def run_and_respond(event: CustomResourceEvent, context: InvocationContext, work: Callable[[], None]) -> None:
    """Runs `work` when CloudFormation creates or updates the resource, then reports success or the error once.

    A deletion of the resource runs nothing and succeeds. Work that still runs 10 seconds before the invocation times
    out is reported as failed.
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
        # Sends only the first line: further lines of a PostgreSQL error may quote the values of a user's row.
        first_line = str(error).partition("\n")[0]
        response.send_once("FAILED", f"{type(error).__name__}: {first_line}"[:MAX_REASON_CHARACTERS])
    else:
        response.send_once("SUCCESS", "")
    finally:
        timer.cancel()


def settings_hash(properties: Mapping[str, object]) -> str:
    """Returns the hash of the custom resource's property `Settings`, 16 hexadecimal digits.

    It is the description of the functions' versions. When it changes, CloudFormation publishes new versions.
    """
    return sha256(json.dumps(properties["Settings"]).encode()).hexdigest()[:16]


class _Response:
    """The response to one event. The end of the work and the timer both call `send_once`; only the first call sends."""

    def __init__(self, event: CustomResourceEvent) -> None:
        self._event = event
        self._sending = Lock()

    def send_once(self, status: Literal["SUCCESS", "FAILED"], reason: str) -> None:
        """Sends the response to CloudFormation, unless an earlier call has begun to send one."""
        if not self._sending.acquire(blocking=False):
            return
        event = self._event
        response = {
            "Status": status,
            "Reason": reason,
            # The id never changes: for a new id, CloudFormation would delete the resource with the old id.
            "PhysicalResourceId": event.get("PhysicalResourceId", event["LogicalResourceId"]),
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": {"SettingsHash": settings_hash(event["ResourceProperties"])},
        }
        _put(event["ResponseURL"], json.dumps(response).encode())


def _put(url: str, body: bytes) -> None:
    """Uploads the response to CloudFormation's URL. If all 4 attempts fail, the failures are only logged."""
    # CloudFormation signed the URL for an empty content type. S310 is ignored, because CloudFormation chose the URL.
    request = Request(url, body, {"Content-Type": ""}, method="PUT")  # noqa: S310
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            with urlopen(request, timeout=2):  # noqa: S310
                return
        except (URLError, TimeoutError) as error:
            log.warning("CloudFormation was not reached", extra={"attempt": attempt, "error": format_stack(error)})
            time.sleep(attempt / 10)
