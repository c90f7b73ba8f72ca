"""Security headers that every response has, those of the HTTP protocol included."""

from typing import Final

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    # For old browsers, which do not know frame-ancestors.
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""A response may replace the policy of these headers by one of its own, as the documentation pages do."""

HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
"""Added to responses over https: for a year, browsers use https for this host and the hosts below it."""
