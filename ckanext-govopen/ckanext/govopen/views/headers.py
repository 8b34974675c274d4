"""Headers of every response: what a browser may do with it, and who may keep it."""

from __future__ import annotations

from flask import Flask, Response, g, request

COMMON_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none';"
    " frame-ancestors 'none'; form-action 'self'"
)
# CKAN's scripts (select boxes, htmx) write style attributes; its pages have no inline script.
SIGNED_IN_POLICY = COMMON_POLICY + "; script-src 'self'; style-src 'self' 'unsafe-inline'"
FILE_POLICY = "sandbox; default-src 'none'"
FEATURES_OFF = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
FILES = ("static", "webassets.index")
TAGGED = ("text/html", "application/json")
HSTS_SECONDS = 31536000


def install(app: Flask) -> None:
    """Registers the headers so that they are set after everything else."""
    # after_request functions run from the last to the first
    app.after_request_funcs.setdefault(None, []).insert(0, set_headers)


def set_headers(response: Response) -> Response:
    """Adds what a response lacks; a view that set a stricter policy keeps it."""
    headers = response.headers
    is_signed_in = bool(g.get("userobj"))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "strict-origin-when-cross-origin")
    headers.setdefault("Permissions-Policy", FEATURES_OFF)
    if response.mimetype == "text/html":
        headers.setdefault(
            "Content-Security-Policy", SIGNED_IN_POLICY if is_signed_in else COMMON_POLICY
        )
    else:
        headers.setdefault("Content-Security-Policy", FILE_POLICY)
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={HSTS_SECONDS}")
    _say_who_may_keep(response, is_signed_in)
    return response


def _say_who_may_keep(response: Response, is_signed_in: bool) -> None:
    """What a person sees is kept by nobody; a public answer is asked for again each time."""
    if request.endpoint in FILES:
        return
    if is_signed_in:
        response.headers["Cache-Control"] = "private, no-store"
    elif response.cache_control.no_store:
        response.headers["Cache-Control"] = "no-store"
    elif _is_public_read(response):
        response.headers["Cache-Control"] = "public, no-cache"
        response.add_etag(weak=True)
        response.make_conditional(request)


def _is_public_read(response: Response) -> bool:
    return (
        request.method in ("GET", "HEAD")
        and response.status_code == 200
        and response.mimetype in TAGGED
        and not response.is_streamed
        and "Set-Cookie" not in response.headers
        and "Authorization" not in request.headers
    )
