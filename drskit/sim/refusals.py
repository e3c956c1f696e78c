"""The errors that DRS answers with, and their extra members (drs-facts §6.3)."""


class Refusal(Exception):
    """DRS refuses a request."""

    def __init__(
        self, code: str, status: int, message: str, *, headers: dict[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(message)
        self.headers = headers or {}
        self.code = code
        self.status = status
        self.message = message
        self.members = members

    @property
    def body(self) -> dict[str, object]:
        """The members that go over the wire."""
        return {"message": self.message, **{key: value for key, value in self.members.items() if value is not None}}


BUSY = "One or more of the Source Servers included in API call are currently being processed by a Job"


def conflict(message: str, *, resource_id: str | None = None, resource_type: str | None = None) -> Refusal:
    """The request makes no sense in the present state."""
    return Refusal("ConflictException", 409, message, resourceId=resource_id, resourceType=resource_type)


def not_found(message: str, *, resource_id: str, resource_type: str) -> Refusal:
    """The named thing does not exist."""
    return Refusal("ResourceNotFoundException", 404, message, resourceId=resource_id, resourceType=resource_type)


def invalid(message: str, *, name: str | None = None, reason: str = "fieldValidationFailed") -> Refusal:
    """The request is malformed."""
    fields = None if name is None else [{"name": name, "message": message}]
    return Refusal("ValidationException", 400, message, reason=reason, fieldList=fields)


def invalid_fields(message: str, fields: list[dict[str, str]]) -> Refusal:
    """The request is malformed in several members."""
    return Refusal("ValidationException", 400, message, reason="fieldValidationFailed", fieldList=fields)


def throttled() -> Refusal:
    """Too many calls came at once."""
    return Refusal("ThrottlingException", 429, "Rate exceeded", serviceCode="drs", headers={"retry-after": "1"})


def denied(message: str) -> Refusal:
    """The caller may not do that."""
    return Refusal("AccessDeniedException", 403, message)


def over_quota(message: str, *, quota: str, resource_type: str) -> Refusal:
    """One of DRS's quotas would be passed."""
    return Refusal(
        "ServiceQuotaExceededException",
        402,
        message,
        resourceId="",
        resourceType=resource_type,
        serviceCode="drs",
        quotaCode=quota,
    )


def uninitialized() -> Refusal:
    """The account never initialised DRS in this Region."""
    return Refusal(
        "UninitializedAccountException", 400, "The account is not initialized for AWS Elastic Disaster Recovery."
    )


def not_simulated(operation: str) -> Refusal:
    """The operation exists, and the simulator does not have it."""
    return Refusal(
        "ValidationException",
        400,
        f"drskit's simulator does not simulate {operation}. Use a real account for it, or rehearse without.",
        reason="unknownOperation",
    )
