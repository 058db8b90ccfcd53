"""Work that goes on while the main thread computes, such as compressing and writing frames."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor


class Background:
    """Calls functions one after another in a thread, in the order in which they were given.

    An error of one is raised by the next call of :meth:`put` or :meth:`flush`.

    Parameters
    ----------
    ahead : int
        :meth:`put` waits where so many calls have not ended, so that what they hold does not fill the memory.
    """

    def __init__(self, ahead=2):
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='mlffvv-write')
        self._waiting, self._ahead = deque(), ahead

    def put(self, function, *args):
        """Call ``function(*args)`` when all before have ended."""
        while len(self._waiting) >= self._ahead:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(function, *args))

    def flush(self):
        """Wait until all calls have ended."""
        while self._waiting:
            self._waiting.popleft().result()

    def close(self):
        """Wait, and end the thread."""
        try:
            self.flush()
        finally:
            self._pool.shutdown()
