"""What can go wrong with a vendor, grouped by who must act.

ProviderError
 ├── Transient                  nobody: wait, then the same route again
 │    ├── RateLimited             with the vendor's own ``retry_after_s`` where it gives one
 │    └── Unavailable             a read failed, or no byte of a submission had left
 ├── SubmissionUnknown          nobody yet: the paid request may or may not have arrived
 ├── Rejected                   this request will never pass as it is
 │    ├── InvalidRequest          our bug or a limit we did not know: next route, tell the operator
 │    └── ContentRejected         the person: other words or another model
 ├── AccountProblem             the operator: pause the vendor, next route
 │    ├── AuthenticationFailed
 │    └── OutOfCredit
 ├── RouteGone                  the operator: the model is no longer served, route off
 └── ProtocolError              the operator: an answer nobody can read; the body is kept

``detail`` goes to the log and the operator, never to a channel; providers put no secret in it.
"""

from __future__ import annotations

__all__ = [
    "AccountProblem",
    "AuthenticationFailed",
    "ContentRejected",
    "InvalidRequest",
    "OutOfCredit",
    "ProtocolError",
    "ProviderError",
    "RateLimited",
    "Rejected",
    "RouteGone",
    "SubmissionUnknown",
    "Transient",
    "Unavailable",
]


class ProviderError(Exception):
    """A vendor did not do what was asked."""

    def __init__(self, detail: str = "", *, status: int | None = None, body: str = "") -> None:
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.status = status
        self.body = body[:4000]
        super().__init__(self.detail)


class Transient(ProviderError):
    """It may work later on the same route."""


class RateLimited(Transient):
    """The vendor asks us to slow down."""

    def __init__(
        self,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        body: str = "",
    ) -> None:
        super().__init__(detail, status=status, body=body)
        self.retry_after_s = retry_after_s


class Unavailable(Transient):
    """The vendor cannot be reached or is overloaded."""


class SubmissionUnknown(ProviderError):
    """The paid request was sent and its answer was lost."""


class Rejected(ProviderError):
    """The vendor refuses this request as it is."""


class InvalidRequest(Rejected):
    """The vendor says the request is malformed."""


class ContentRejected(Rejected):
    """The vendor refuses the content of the prompt, an input or the result."""


class AccountProblem(ProviderError):
    """The operator's account at the vendor needs attention."""


class AuthenticationFailed(AccountProblem):
    """The vendor does not accept the key."""


class OutOfCredit(AccountProblem):
    """The account at the vendor has no credit left."""


class RouteGone(ProviderError):
    """The vendor no longer serves this model."""


class ProtocolError(ProviderError):
    """The vendor answered something that cannot be read."""
