"""Calls counted in Redis or Valkey, for several web processes that share one budget."""

import logging
import threading
import time

import redis

from canonry.adapters.rates.memory import MemoryRates
from canonry.core.secret import Secret
from canonry.ports.rates import Hit

_log = logging.getLogger(__name__)

_PATIENCE = 0.25  # seconds for an answer: a request waits for it
_AWAY = 5.0  # seconds in which a Redis that failed is not asked again
_PREFIX = "canonry:rate:"

# One script, so that counting and setting the end are one step: a key without an end would lock its caller out for ever.
_COUNT = """
local used = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {used, left}
"""


class RedisRates:
    """Counts in Redis; while it is away, in this process."""

    def __init__(self, url: Secret) -> None:
        self._client = redis.Redis.from_url(url.reveal(), socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)
        self._count = self._client.register_script(_COUNT)
        self._own = MemoryRates()
        self._lock = threading.Lock()
        self._back_at = 0.0

    def hit(self, key: str, seconds: int) -> Hit:
        """Count one call of `key`."""
        if time.monotonic() < self._back_at:
            return self._own.hit(key, seconds)
        try:
            used, left = self._count(keys=[_PREFIX + key], args=[seconds * 1000])
        except (redis.RedisError, OSError) as error:
            self._note_absence(error)
            return self._own.hit(key, seconds)
        return Hit(int(used), time.time() + int(left) / 1000)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _note_absence(self, error: Exception) -> None:
        with self._lock:
            if time.monotonic() >= self._back_at:
                _log.warning("Redis does not answer, so this process counts calls by itself for now: %s", error)
            self._back_at = time.monotonic() + _AWAY
