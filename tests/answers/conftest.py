"""Graphs of code that a test writes down."""

import pytest

from kmsguard.scan.graphs import read_graphs
from kmsguard.scan.settings import Settings


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Reads files, by default one Terraform module `infra` in an account and Region."""
    monkeypatch.chdir(tmp_path)

    def read(code, **settings):
        for path, text in ({"infra/main.tf": code} if isinstance(code, str) else code).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        given = {"account": "111122223333", "region": "eu-west-1"} | settings
        graphs = read_graphs(["."], Settings(**given))
        assert graphs.whole, graphs.errors
        return graphs

    return read
