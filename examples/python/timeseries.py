"""What sensors measure, by sensor and time: timeseries.py DIRECTORY

Keys are tuples, sorted by their first element, then by the next: all of a sensor is a prefix, and a
day of it is a slice.
"""

import math
import sys
from datetime import datetime, timedelta, timezone
from statistics import fmean

import lsmdb
from lsmdb import codecs

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)
Series = codecs.Typed[tuple[str, datetime], float]


def measure(sensor: int, hour: int) -> float:
    """In place of a thermometer."""
    return 15 + sensor + 5 * math.sin(hour / 24 * math.tau)


def fill(series: Series, sensors: int, days: int) -> int:
    return series.put_many(
        ((f"sensor-{sensor}", START + timedelta(hours=hour)), measure(sensor, hour))
        for hour in range(24 * days)
        for sensor in range(sensors)
    )


def day_of(series: Series, sensor: str, day: int) -> list[float]:
    begin = START + day * DAY
    return list(series[(sensor, begin) : (sensor, begin + DAY)].values())


def main(path: str) -> None:
    with lsmdb.open(path) as db:
        series = codecs.typed(db, key=tuple[str, datetime], value=float)
        print("wrote", fill(series, sensors=3, days=10))
        values = day_of(series, "sensor-1", 4)
        print(f"sensor-1 on day 4: {len(values)} values, mean {fmean(values):.2f}")
        newest = series.prefix(("sensor-2",)).last()
        if newest is not None:
            (sensor, when), value = newest
            print(f"{sensor} was {value:.2f} at {when:%H:%M} on {when:%d %B}")
        # A week old is old enough: one deletion for each sensor, whatever lies in it.
        for sensor in ("sensor-0", "sensor-1", "sensor-2"):
            series.delete_range((sensor,), (sensor, START + 7 * DAY))
        print("kept", len(series), "from", min(when for _, when in series).date())


if __name__ == "__main__":
    main(*sys.argv[1:])
