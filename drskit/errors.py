"""Every error that a caller of drskit can meet.

Split by who must act; each message is a sentence, the facts, and the next step.

    DrskitError
    ├── InvalidInput            you: a file, an option, a parameter; exit code 2
    │   ├── InvalidRunbook      (every complaint with file, line and key)
    │   ├── InvalidWorld
    │   ├── InvalidState        the file that keeps a simulated world is damaged, or none
    │   ├── MissingExtra        a package is not installed
    │   └── MissingProgram      a program is not installed, or too old
    ├── Refused                 you: the request makes no sense in this state; exit code 2
    │   ├── NotFound
    │   ├── AlreadyExists
    │   ├── PlanBusy            an execution of the plan lives
    │   ├── NotConfirmed        recovered servers would be terminated, and nobody typed that they may go
    │   ├── NotAuthorized       a recovery for real has no authorisation that is good for it now
    │   ├── ChangeRefused       the plan's change control does not allow a start now
    │   ├── ChangedMeanwhile    a file says something else than what was read from it
    │   └── GuardRefused        a launch would destroy what somebody needs
    ├── Unavailable             AWS, or the way to it: nobody can tell now; exit code 3
    │   ├── MissingTables
    │   ├── NoCredentials
    │   ├── Throttled
    │   ├── SignerMismatch      the pinned signature differs from the stock signer's
    │   └── WorldUnreachable
    ├── NotCompleted            the drill: it ended otherwise than COMPLETED, or waits for a person; exit code 1
    ├── LostRace                another worker wrote first; read again
    └── Malformed               an item of the tables cannot be read; it is quarantined
"""


class DrskitError(Exception):
    """The root of all errors that drskit raises on purpose."""

    exit_code = 2


class InvalidInput(DrskitError):
    """What was given cannot be used as it is."""


class InvalidRunbook(InvalidInput):
    """A runbook has faults; `complaints` names each with file, line, key and remedy."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class InvalidWorld(InvalidInput):
    """A world file has faults."""


class InvalidState(InvalidInput):
    """The file that keeps a simulated world cannot be used."""


class MissingExtra(InvalidInput):
    """A command needs packages that are not installed."""

    def __init__(self, purpose: str, extra: str, missing: str) -> None:
        super().__init__(
            f"{purpose} needs the package {missing}, which is not installed. Run: pip install 'drskit[{extra}]'"
        )


class MissingProgram(InvalidInput):
    """A command needs a program that is not installed, or a newer one."""


class Refused(DrskitError):
    """The request is well formed and makes no sense in the present state."""


class NotFound(Refused):
    """The named thing does not exist."""


class AlreadyExists(Refused):
    """A thing of this name exists; `existing` names it."""

    def __init__(self, message: str, existing: str) -> None:
        super().__init__(message)
        self.existing = existing


class PlanBusy(Refused):
    """An execution of the plan lives; `execution_id` names it."""

    def __init__(self, message: str, execution_id: str) -> None:
        super().__init__(message)
        self.execution_id = execution_id


class ChangedMeanwhile(Refused):
    """A file does not say any more what was read from it; nothing was written."""


class ChangeRefused(Refused):
    """The plan's change control does not allow a start now."""


class NotAuthorized(Refused):
    """A recovery for real has no authorisation that is good for it now; nothing was launched."""


class NotConfirmed(Refused):
    """Recovered servers would be terminated, and nobody typed that they may go; `to_type` is what to type."""

    def __init__(self, message: str, to_type: str) -> None:
        super().__init__(message)
        self.to_type = to_type


class GuardRefused(Refused):
    """A launch would terminate an instance that is no drill of ours."""


class Unavailable(DrskitError):
    """AWS could not be asked; nothing is known, and nothing was decided.

    `cause` is the same in a few words, for a board: AWS's code, or what the SDK met, and where.
    """

    exit_code = 3

    def __init__(self, message: str, cause: str | None = None) -> None:
        super().__init__(message)
        self.cause = cause or message.partition(". ")[0]


class MissingTables(Unavailable):
    """A DynamoDB table does not exist."""


class NoCredentials(Unavailable):
    """There are no AWS credentials, or they have expired."""


class Throttled(Unavailable):
    """AWS asked us to slow down."""


class SignerMismatch(Unavailable):
    """The pinned signature is not what botocore's own signer makes; no launch is safe."""


class WorldUnreachable(Unavailable):
    """The simulated world's process does not answer."""


class NotCompleted(DrskitError):
    """A drill ended otherwise than COMPLETED, or waits for a person."""

    exit_code = 1


class LostRace(DrskitError):
    """Another worker changed the item first; what was decided is void."""


class Malformed(DrskitError):
    """An item of the tables cannot be read."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} cannot be read: {reason}")
        self.key = key
        self.reason = reason
