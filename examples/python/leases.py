"""Who works on what, settled by conditions, for a time only: leases.py DIRECTORY"""

import sys
from datetime import datetime, timedelta, timezone

import lsmdb

PAST = datetime(1970, 1, 2, tzinfo=timezone.utc)


def answer(is_so: bool) -> str:
    return "yes" if is_so else "no"


def take(jobs: lsmdb.DB, job: str, who: str) -> None:
    """Takes a job that nobody has."""
    taken = jobs.insert_if_absent(job.encode(), who.encode(), ttl=timedelta(hours=1))
    print(f"{who} takes {job}: {answer(taken)}")


def hand_on(jobs: lsmdb.DB, job: str, old: str, new: str) -> None:
    """Hands a job on, if it is still `old` who has it."""
    handed = jobs.compare_and_set(job.encode(), old.encode(), new.encode())
    print(f"{old} hands {job} to {new}: {answer(handed)}")


def main(path: str) -> None:
    with lsmdb.open(path) as jobs:
        take(jobs, "job-1", "ada")
        take(jobs, "job-1", "bob")
        hand_on(jobs, "job-1", "ada", "bob")
        hand_on(jobs, "job-1", "ada", "eve")
        # A lease that ends in the past is over at once.
        jobs.touch(b"job-1", expires_at=PAST)
        take(jobs, "job-1", "eve")


if __name__ == "__main__":
    main(*sys.argv[1:])
