"""A store of web sessions that run out: sessions.py DIRECTORY

Two keyspaces that are always written together: the sessions, and when each runs out. The second is
sorted by time, so that sweeping reads what has run out and nothing else.
"""

import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import lsmdb
from lsmdb import codecs

LIFE = timedelta(minutes=30)


class Sessions:
    def __init__(self, db: lsmdb.DB) -> None:
        self._db = db
        self._data = codecs.typed(db.keyspace("sessions"), key=str, value=json)
        ends = db.keyspace("ends")
        self._ends = codecs.typed(ends, key=tuple[datetime, str], value=bytes)

    def save(self, token: str, data: dict[str, Any], now: datetime) -> None:
        """Keeps a session for half an hour from now, however long it was kept before."""
        old = self._data.get(token)
        ends = now + LIFE
        with self._db.batch() as batch:
            if old is not None:
                self._ends.into(batch).delete((datetime.fromisoformat(old["ends"]), token))
            self._data.into(batch)[token] = {"ends": ends.isoformat(), "data": data}
            self._ends.into(batch)[ends, token] = b""

    def load(self, token: str, now: datetime) -> Any:
        """What was saved, or None if it has run out or never was."""
        found = self._data.get(token)
        if found is None or datetime.fromisoformat(found["ends"]) <= now:
            return None
        return found["data"]

    def sweep(self, now: datetime) -> int:
        """Takes away what has run out, and answers how many that was."""
        # A key that is shorter than others stands before all that begin with it.
        over = [token for _, token in self._ends.range(None, (now,)).keys()]
        with self._db.batch() as batch:
            for token in over:
                self._data.into(batch).delete(token)
            self._ends.into(batch).delete_range(None, (now,))
        return len(over)

    def __len__(self) -> int:
        return len(self._data)


def main(path: str) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
    with lsmdb.open(path) as db:
        sessions = Sessions(db)
        for minutes, user in enumerate(["ada", "bob", "eve"]):
            sessions.save(f"token-{user}", {"user": user}, start + timedelta(minutes=10 * minutes))
        print("at 12:20 there are", len(sessions))
        # Whoever comes back stays longer.
        sessions.save("token-ada", {"user": "ada", "cart": ["tea"]}, start + timedelta(minutes=25))
        later = start + timedelta(minutes=45)
        print("at 12:45 bob has", sessions.load("token-bob", later))
        print("at 12:45 ada has", sessions.load("token-ada", later))
        print("swept", sessions.sweep(later), "and kept", len(sessions))


if __name__ == "__main__":
    main(*sys.argv[1:])
