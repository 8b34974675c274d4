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
    if is_signed_in and request.endpoint not in ("static", "webassets.index"):
        headers["Cache-Control"] = "private, no-store"
    return response
