"""Who reads a database beside its writer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReaderInfo:
    """A reader that holds a slot in the lock file: the writer keeps files for it."""

    process_id: int
    """Its process."""
    edit: int
    """It reads the tables of this change of the manifest, and perhaps later ones; 0 while it opens
    the database."""
    seqno: int
    """It sees writes up to this number."""
    lease_left: float
    """How many seconds files stay for it if nothing more is heard of it; 0 if they may go."""
