"""The middleware of the service: one ASGI middleware that takes each request through all steps.

One, because each further ASGI middleware wraps the request and the response again, which costs more than its work.
"""

from time import monotonic
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from todo_core.clients import Client
from todo_core.errors import RateLimited, TooBusy
from todo_core.logs import format_stack, log
from todo_core.web.middleware.answer import Answer
from todo_core.web.middleware.body_limit import BodyLimit
from todo_core.web.middleware.client_scope import ClientScope
from todo_core.web.middleware.cross_origin import CrossOriginPolicy
from todo_core.web.middleware.rate_limit import RateLimit
from todo_core.web.middleware.request_scope import begin, end
from todo_core.web.paths import find_path_below_root
from todo_core.web.problems import ContentTooLarge, InternalError, make_problem_response
from todo_core.web.refusals import Refusals
from todo_core.web.request_costs import find_cost
from todo_core.web.request_heads import HeadChecks
from todo_core.web.requests import IS_HEAD, PROBES
from todo_core.web.static_files import is_static_file
from todo_core.workload import Workload, current_work


class ResponseCutOff(Exception):
    """The exception that replaces an unexpected exception after the response has begun, to hide its message."""


class Pipeline:
    """Takes each request through the steps: head, origin, client, rate limit, workload, body, and then the route.

    Routes see a HEAD request as a GET request, and the body of its response is dropped. An exception that no route
    handles gets a 500. Its headers allow pages of other origins to read it. At its end, the request
    is reported to the observers of the app.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each step
        self,
        app: ASGIApp,
        *,
        heads: HeadChecks,
        origins: CrossOriginPolicy,
        clients: ClientScope,
        rates: RateLimit,
        workload: Workload,
        bodies: BodyLimit,
        refusals: Refusals,
    ) -> None:
        self.app = app
        self._heads: Final = heads
        self._origins: Final = origins
        self._clients: Final = clients
        self._rates: Final = rates
        self._workload: Final = workload
        self._bodies: Final = bodies
        self._refusals: Final = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, method = monotonic(), scope["method"]
        if method == "HEAD":
            # Changes a copy of the scope, because the server still needs to know that the method is HEAD.
            scope = {**scope, "method": "GET"}
        answer = Answer(scope, send, begin(scope, started), is_bodiless=method == "HEAD")
        if method == "HEAD":
            scope["state"][IS_HEAD] = True
        try:
            await self._check(scope, receive, answer)
        finally:
            end(scope, method, answer.status, started)

    async def _check(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        """Checks the head and the origin, and finds the client. Health checks and static files have no rate limit."""
        path = find_path_below_root(scope)
        fault, is_file = self._heads.find_fault(scope), is_static_file(path)
        if fault is None and scope["method"] == "OPTIONS":
            preflight = self._origins.answer_preflight(scope)
            if preflight is not None:
                await preflight(scope, receive, answer.send)
                return
        if fault is None and not (is_file and scope["method"] == "GET"):
            # Only the page of this service loads its files. The headers of CORS would be a third of a small file.
            answer.add_headers(*self._origins.list_headers(scope))
            fault = self._origins.find_forgery(scope)
        if fault is not None:
            await make_problem_response(fault, scope["state"]["request_id"])(scope, receive, answer.send)
            return
        client = self._clients.identify(scope)
        if path in PROBES:
            await self._serve(scope, receive, answer)
        elif is_file:
            await self._work(scope, receive, answer, client, is_costly=False)
        else:
            await self._count(scope, receive, answer, client, find_cost(scope["method"], path))

    async def _count(self, scope: Scope, receive: Receive, answer: Answer, client: Client, cost: int) -> None:
        """Counts the request for the rate limit of its client, and refuses it past the limit."""
        usage, error = self._rates.count(client, cost, answer)
        if error is not None:
            await self._refusals.refuse(error, scope, receive, answer.send)
            return
        usage.in_flight += 1
        try:
            await self._work(scope, receive, answer, client, is_costly=cost > 1)
        finally:
            usage.in_flight -= 1
            self._rates.count_bytes(usage, answer.sent_bytes)

    async def _work(self, scope: Scope, receive: Receive, answer: Answer, client: Client, *, is_costly: bool) -> None:
        """Serves the request when it is the turn of its client, and refuses it while the process has too many."""
        try:
            work = await self._workload.begin(client, is_costly=is_costly)
        except (RateLimited, TooBusy) as error:
            await self._refusals.refuse(error, scope, receive, answer.send)
            return
        current_work.set(work)
        try:
            await self._serve(scope, receive, answer)
        finally:
            work.end()

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        """Calls the app with a bounded body. A client that has gone away gets no answer, and is not logged."""
        if self._bodies.is_too_long(scope):
            await make_problem_response(ContentTooLarge(), scope["state"]["request_id"])(scope, receive, answer.send)
            return
        body = self._bodies.open(scope, receive)
        try:
            await self.app(scope, body.receive, answer.send)
        except ClientDisconnect:
            return  # an answer would reach no client
        except Exception as error:  # noqa: BLE001 - every exception needs an answer
            await self._answer_unexpected(error, scope, receive, answer)
        finally:
            body.close()

    async def _answer_unexpected(self, error: Exception, scope: Scope, receive: Receive, answer: Answer) -> None:
        """Logs an exception that no route handles, and answers 500.

        Raises ResponseCutOff after the response has begun. The server then closes the connection, so that the client
        notices the incomplete response. It logs the exception with its message, but the original message may contain
        secrets.
        """
        request_id = scope["state"]["request_id"]
        log.error("Unexpected error", extra={"request_id": request_id, "error": format_stack(error)})
        if answer.status:
            raise ResponseCutOff from None
        await make_problem_response(InternalError(), request_id)(scope, receive, answer.send)
