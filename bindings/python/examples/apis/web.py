"""As much HTTP as the routes need: a request, a response, and what an exception of the store is to a client."""

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import parse_qsl

import tokenstore

MOST_BODY_BYTES = 64 * 1024
# What is told once must lie in no cache, and in no address that the next site is told.
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"}


@dataclass(repr=False)
class Request:
    """A request. It has no repr: it holds values."""

    method: str
    path: str
    query: str
    headers: Any
    body: bytes

    def json(self) -> Dict[str, Any]:
        """The body as a JSON object."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise Refusal(400, "the body is a JSON object")
        return read

    def given(self) -> Dict[str, Any]:
        """The body as a form if it says that it is one, as a JSON object otherwise."""
        kind = str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
        return dict(self.form()) if kind == "application/x-www-form-urlencoded" else self.json()

    def form(self) -> Dict[str, str]:
        """The body as a form. No parameter may stand twice (RFC 6749, section 3.2)."""
        return parameters(self.body.decode("utf-8", "replace"))


@dataclass(repr=False)
class Response:
    """An answer: JSON, or a page of HTML, or nothing."""

    status: int
    json: Optional[Dict[str, Any]] = None
    html: Optional[str] = None
    headers: Dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body."""
        if self.html is not None:
            self.headers["Content-Type"] = "text/html; charset=utf-8"
            return self.html.encode()
        if self.json is None:
            return b""
        self.headers["Content-Type"] = "application/json"
        return json.dumps(self.json).encode()


Route = Callable[[Request, List[str]], Response]


class Refusal(Exception):
    """Ends a route with an answer."""

    def __init__(self, status: int, error: str, headers: Optional[Dict[str, str]] = None, **more: str) -> None:
        super().__init__(error)
        self.response = Response(status, {"error": error, **more}, headers={**NO_STORE, **(headers or {})})


def parameters(text: str) -> Dict[str, str]:
    """The parameters of a form or an address."""
    found: Dict[str, str] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        raise Refusal(400, "invalid_request", error_description="too many parameters") from None
    for name, value in pairs:
        if name in found:
            raise Refusal(400, "invalid_request", error_description=f"{name!r} stands twice")
        found[name] = value
    return found


def text(given: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(400, f"{name} is missing")
    return value


def answer(routes: Dict[str, Route], request: Request) -> Response:
    """Finds a route by `METHOD /path`, in which `*` is any one part, and runs it."""
    parts = request.path.split("/")
    known = False
    for pattern, route in routes.items():
        method, _, path = pattern.partition(" ")
        wanted = path.split("/")
        if len(wanted) == len(parts) and all(want in ("*", part) for want, part in zip(wanted, parts)):
            known = True
            if method == request.method:
                rest = [part for want, part in zip(wanted, parts) if want == "*"]
                return _guarded(route, request, rest)
    return Response(405 if known else 404, {"error": "no such route"})


def _guarded(route: Route, request: Request, rest: List[str]) -> Response:
    """What a route raises is an answer. Trouble with the store says nothing about a token, so it is no 401."""
    try:
        return route(request, rest)
    except Refusal as refusal:
        return refusal.response
    except tokenstore.NotFound:
        return Response(404, {"error": "not found"})
    except tokenstore.NameTaken:
        return Response(409, {"error": "the name is taken"})
    except (tokenstore.InvalidArgument, tokenstore.LimitReached) as error:
        return Response(400, {"error": str(error)})
    except tokenstore.Refused as refused:
        return Response(409, {"error": refused.name})
    except tokenstore.TokenstoreError:
        return Response(503, {"error": "temporarily unavailable"}, headers={"Retry-After": "1", **NO_STORE})
