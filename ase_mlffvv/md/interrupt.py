"""Ctrl-C as a request, to which a loop responds when its state is complete."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager


@contextmanager
def interrupt_flag(always=False):
    """An event that the first Ctrl-C sets instead of raising KeyboardInterrupt; the second Ctrl-C raises it at once.

    Only the main thread receives signals; in other threads the event is never set.

    Parameters
    ----------
    always : bool
        Whether to replace any handler of SIGINT. By default only Python's own is replaced, so that the handler of an
        outer loop, or an ignored signal, stays as it is.

    Yields
    ------
    threading.Event
    """
    event = threading.Event()
    usual = signal.default_int_handler
    main = threading.current_thread() is threading.main_thread()
    if not main or not (always or signal.getsignal(signal.SIGINT) is usual):
        yield event
        return

    def stop(*_):
        event.set()
        signal.signal(signal.SIGINT, usual)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)
