"""What AWS calls its refusals, classified once.

A throttle or a fault of credentials only delays (promise 6); a missing
permission is for a person; all else is what the service says of the request.
"""

TOO_MANY = 429
"""The HTTP status of a throttled request, whatever its code is called."""
THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN_CALLER = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NoCredentials",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
TIMED_OUT = 408
"""The HTTP status of a request that somebody stopped waiting for."""
BROKEN_OFF = frozenset(
    {
        "RequestAborted",
        "RequestAbortedException",
        "RequestInProgressException",
        "RequestTimeout",
        "RequestTimeoutException",
    }
)
"""A request that was given up while it was under way: its status is a refusal's, and it may have been carried out."""
STILL_EXPIRED = "refreshed credentials are still expired"
"""What a plain RuntimeError of botocore's says when whoever renews the credentials hands out old ones."""
BAD_CREDENTIALS = EXPIRED | UNKNOWN_CALLER
DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})
