"""The table of calls: method, path, the access it needs, one handler. Nothing is routed beside it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from civiscope.api.guard import Access, Guard, Open
from civiscope.base import AppError

PREFIX = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the table in docs/design/api.md."""

    method: str
    path: str
    """Below `/api/v1`."""
    access: Access
    handler: Callable[..., Awaitable[Any]]
    status: int = 200
    answers: dict[int, str] = field(default_factory=dict)
    """Further status codes, for the OpenAPI document."""
    raw: bool = False
    """The handler gives a ready response (media, files), not JSON."""
    audits_refusals: bool = False
    """Its room enters refusals itself, with more words than the door has."""
    person_only: bool = False
    """Not for tokens, whatever they may."""
    scoped: bool = False
    """Open to who has the permission on some channels only: the handler asks again with the channel
    (`authorise_on`), or shows those channels only (`channels_with`). Else it must hold on the whole site."""


OnRefusal = Callable[[Request, Call, AppError], Awaitable[None]]


def add_calls(app: FastAPI, guard: Guard, calls: Sequence[Call], on_refusal: OnRefusal) -> None:
    """Route every call through the guard, before its body is even read."""
    for call in calls:
        app.router.add_api_route(
            PREFIX + call.path,
            call.handler,
            methods=[call.method],
            status_code=call.status,
            response_model=None,
            response_class=Response if call.raw else JSONResponse,
            responses={code: {"description": words} for code, words in call.answers.items()},
            operation_id=call.handler.__name__,
            summary=(call.handler.__doc__ or "").strip().split("\n")[0],
            route_class_override=_guarded(guard, call, on_refusal),
            openapi_extra={"x-civiscope-access": call.access.value},
        )


def _guarded(guard: Guard, call: Call, on_refusal: OnRefusal) -> type[APIRoute]:
    class GuardedRoute(APIRoute):
        """A route that asks the guard first."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def admit_first(request: Request) -> Response:
                is_admitted = False
                try:
                    request.state.visitor = await guard.admit(
                        request, call.access, scoped=call.scoped, person_only=call.person_only
                    )
                    is_admitted = True
                    return await inner(request)
                except AppError as error:
                    if call.access is not Open.ANYONE and not (is_admitted and call.audits_refusals):
                        await on_refusal(request, call, error)
                    raise

            return admit_first

    return GuardedRoute
