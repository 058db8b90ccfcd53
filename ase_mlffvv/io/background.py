"""Work in the background while the main thread computes, such as compressing and writing frames."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor


class Background:
    """Call functions one after another in a separate thread, in the order in which they were submitted.

    If a function raises an exception, a later call of :meth:`put` or :meth:`flush` raises it.

    Parameters
    ----------
    ahead : int
        Largest number of unfinished calls. :meth:`put` waits while there are more, which limits the memory that their
        arguments occupy.
    """

    def __init__(self, ahead=2):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='mlffvv-write')
        self._waiting, self._ahead = deque(), ahead

    def put(self, function, *args):
        """Call ``function(*args)`` after all earlier calls have finished."""
        while len(self._waiting) >= self._ahead:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(function, *args))

    def flush(self):
        """Wait until all calls have finished."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self):
        """Wait until all calls have finished, and end the thread."""
        try:
            self.flush()
        finally:
            self._pool.shutdown()
