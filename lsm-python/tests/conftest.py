"""What all tests share: how a run begins, and how it ends, in the words of the tests of Rust."""

import signal

import pytest


def pytest_configure() -> None:
    """A shell makes what it starts in the background deaf to Ctrl-C, which some tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Prints the line that machines add up; what could not be set up or collected has failed."""
    stats = terminalreporter.stats
    passed = len(stats.get("passed", ())) + len(stats.get("xfailed", ()))
    failed = len(stats.get("failed", ())) + len(stats.get("error", ()))
    skipped = len(stats.get("skipped", ()))
    failed = max(failed, int(exitstatus != 0))
    word = "FAILED" if failed else "ok"
    counts = f"{passed} passed; {failed} failed; {skipped} ignored"
    terminalreporter.write_line(f"test result: {word}. {counts}; lsm-python")
