"""Mistakes in kind files: told with their place, all at once, and with what was perhaps meant."""

from __future__ import annotations

import pytest

from kmsguard.kinds.compiling import compile_files
from kmsguard.kinds.examples import read_examples
from kmsguard.kinds.load import load
from kmsguard.kinds.schema import schema
from kmsguard.model.finding import UsageError

GOOD = """\
box.thing:
  title: A thing
  links: [https://docs.aws.amazon.com/]
  attributes:
    name: {type: string}
    key: {type: ref, to: box.thing}
    tags: {type: map}
    parts: {type: list}
    dark: {derive: {name: x}}
  identity:
    arn: "arn:{partition}:box:::{name}"
    names: [name]
    terraform: {arn: arn}
  from:
    box: {name: name, key: key}
  edges:
    key: {by: key}
"""


def compiled(tmp_path, text: str, name: str = "box.yaml"):
    """The table of one file."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return compile_files([str(path)])


def test_good_file(tmp_path) -> None:
    """A good file compiles; `to` of an edge is its attribute's where it is left out."""
    kind = compiled(tmp_path, GOOD).kinds["box.thing"]

    assert kind.edges["key"].to == ("box.thing",)
    assert kind.attributes["dark"].dynamic


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "message"),
    [
        ("title: A thing", "titel: A thing", 2, 3, "`titel` is not known here; did you mean `title`?"),
        ("{type: string}", "{type: text}", 5, 18, "there is no type `text`"),
        ("    tags: {type: map}", "    region: {type: string}", 7, 5, "`region` cannot be the name of an attribute"),
        ("{name: x}", "{nam: x}", 9, 21, "there is no attribute `nam`; did you mean `name`?"),
        ("{name: x}", "{function: box.weight}", 9, 20, "there is no function `box.weight`"),
        ("box:::{name}", "box:::{nme}", 11, 10, "there is no part or attribute `nme`; did you mean `name`?"),
        ("names: [name]", "names: [id]", 12, 12, "there is no part or attribute `id`"),
        ("terraform: {arn: arn}", "terraform: {arn: an}", 13, 22, "there is no part or attribute `an`; did you mean `arn`?"),
        ("box: {name: name, key: key}", "box: {nam: name}", 15, 11, "there is no attribute `nam`; did you mean `name`?"),
        ("box: {name: name, key: key}", "box: {name: a..b}", 15, 17, "`a..b` is no path"),
        ("box: {name: name, key: key}", "box: {name: {json: a, items: b}}", 15, 17, "one of path, const"),
        ("box: {name: name, key: key}", "box: {name: {jsn: a}}", 15, 18, "`jsn` is not known here; did you mean `json`?"),
        ("box: {name: name, key: key}", "box: {name: {path: a, at: b}}", 15, 27, "`at` belongs to `json`"),
        ("box: {name: name, key: key}", "box: {name: {path: a, else: b}}", 15, 27, "`else` belongs to `values`"),
        ("box: {name: name, key: key}", "box: {attach: a, add: {}}", 15, 22, "`add` is not known here; did you mean `adds`?"),
        ("box: {name: name, key: key}", "box: {attach: a, adds: {name: b}}", 15, 29, "`name` is no list"),
        ("key: {by: key}", "key: {by: kye}", 17, 15, "there is no attribute `kye`; did you mean `key`?"),
        ("key: {by: key}", "key: {by: key, to: box.thnig}", 17, 24, "there is no kind `box.thnig`; did you mean `box.thing`?"),
        ("key: {by: key}", "key: {by: name}", 17, 10, "the edge key does not say which kind it leads `to`"),
        ("key: {by: key}", "key: {by: dark, to: box.thing}", 17, 10, "`dark` is derived, and edges are made before"),
        ("key: {by: key}", "key: {same: country, to: box.thing}", 17, 17, "`same` is `region` or `account`"),
        ("  from:\n", "  mend: {kye: {terraform: key = x}}\n  from:\n", 14, 10, "attribute or edge `kye`; did you mean `key`?"),
        ("  from:\n", "  mend: {key: {pulumi: key = x}}\n  from:\n", 14, 16, "`pulumi` is not known here"),
    ],
)
def test_mistake(tmp_path, old: str, new: str, line: int, column: int, message: str) -> None:
    """Each mistake is told with its line and column, and with what was perhaps meant."""
    assert GOOD.count(old) == 1
    with pytest.raises(UsageError) as caught:
        compiled(tmp_path, GOOD.replace(old, new))

    told = [problem for problem in caught.value.problems if message in problem.message]
    assert [(problem.line, problem.column) for problem in told] == [(line, column)], caught.value.problems


def test_all_mistakes_at_once(tmp_path) -> None:
    """All mistakes of all files are told, each with its file."""
    (tmp_path / "a.yaml").write_text("a.a: {titel: x}\n", encoding="utf-8")
    (tmp_path / "b.yaml").write_text("a: [\n", encoding="utf-8")
    files = [str(tmp_path / name) for name in ("a.yaml", "b.yaml", "missing.yaml")]

    with pytest.raises(UsageError) as caught:
        compile_files(files)

    assert {problem.file.rsplit("/", 1)[-1] for problem in caught.value.problems} == {"a.yaml", "b.yaml", "missing.yaml"}


def test_kind_twice(tmp_path) -> None:
    """A kind that is there already is not overwritten by a second file."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")

    with pytest.raises(UsageError, match="is there already"):
        compile_files([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])


def test_inherited_from_derived_is_derived(tmp_path) -> None:
    """Whatever inherits what is derived is known within a world only, however long the way."""
    text = GOOD.replace(
        "    parts: {type: list}", "    grey: {type: bool, inherit: key.dark}\n    pale: {type: bool, inherit: key.grey}"
    )
    attributes = compiled(tmp_path, text).kinds["box.thing"].attributes

    assert [attributes[name].dynamic for name in ("grey", "pale", "name")] == [True, True, False]


def test_example_without_title(tmp_path) -> None:
    """An example says what it shows, in a template."""
    path = tmp_path / "box.yaml"
    path.write_text(GOOD + "  examples:\n    - expect: {name: x}\n", encoding="utf-8")

    with pytest.raises(UsageError) as caught:
        read_examples([str(path)])
    assert {problem.message for problem in caught.value.problems} == {
        "an example needs a title",
        "an example needs a template",
    }


def test_kinds_of_a_rule_pack(tmp_path) -> None:
    """A folder of kinds that a rule pack brings is added to those of kmsguard."""
    (tmp_path / "box.yaml").write_text(GOOD, encoding="utf-8")
    kinds = load((str(tmp_path),))

    assert {"box.thing", "kms.key"} <= kinds.kinds.keys()


def test_schema() -> None:
    """What conditions may name: attributes, parts of the identity, edges, members of elements."""
    kinds = load()
    key = schema(kinds, ("kms.key",))
    store = schema(kinds, ("store",))
    task = schema(kinds, ("ecs.task_definition",))

    assert key is not None
    assert store is not None
    assert task is not None
    assert schema(kinds, ("no.such",)) is None
    assert [key.attribute(name) for name in ("rotation", "spec", "deletion_window", "arn", "region", "no")] == [
        "bool",
        "text",
        "number",
        "text",
        "text",
        None,
    ]
    primary = key.edge("primary")
    assert primary is not None
    assert primary.attribute("policy") == "map"
    assert store.attribute("encrypted") == "bool"
    assert store.edge("encrypted_with") is not None
    assert task.elements("containers").attribute("environment") == "map"
    assert task.elements("containers").attribute("no") is None
    assert key.source("s3.bucket", "encrypted_with") is not None
    assert key.source("s3.bucket", "no") is None


def test_stores_keep_their_promise() -> None:
    """Every kind with the trait `store` says whether it is encrypted."""
    for kind in load().kinds.values():
        if "store" in kind.traits:
            assert kind.attributes["encrypted"].type == "bool", kind.name
            if "key" in kind.attributes:
                assert kind.edges["encrypted_with"].by == ("key",), kind.name
