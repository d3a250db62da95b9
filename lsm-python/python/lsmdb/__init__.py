"""An embeddable, ordered, durable key-value engine on a log-structured merge tree."""

from lsmdb._native import __version__

__all__ = ["__version__"]
