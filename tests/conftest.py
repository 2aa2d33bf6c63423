"""Options of the whole test run."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update`: expected files become what is put out now; the diff is the review."""
    parser.addoption("--update", action="store_true", help="rewrite expected files")
