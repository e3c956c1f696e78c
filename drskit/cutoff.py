"""A limit for what waits on a stranger's machine, whatever that sends meanwhile.

The time-outs of sockets count from byte to byte, so that a server which sends a
byte of its headers now and then keeps whoever asks for as long as it likes.
"""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, action: Callable[[], T]) -> T:
    """What an action gives, or raises.

    What takes longer goes on alone in a thread that holds up nobody, nor the end of the process; what comes of it is
    thrown away.

    Raises:
        TimeoutError: it takes longer.
    """
    answers: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            answers.put((action(), None))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            answers.put((None, error))

    Thread(target=work, daemon=True, name="drskit-within").start()
    try:
        answer, error = answers.get(timeout=seconds)
    except Empty:
        message = f"there was no answer within {seconds:g} s"
        raise TimeoutError(message) from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]  # where there is no error there is an answer
