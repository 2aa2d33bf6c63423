"""Expressions of chance come to what the real program makes of them.

`pytest -m terraform` compares two hundred, always the same; `KMSGUARD_CHANCE=20000 KMSGUARD_SEED=7` others, and more. A value
that is known on both sides is the same one. What is known to differ, in a few of ten thousand: sets that are empty and yet have
a type, nulls that have one, infinite numbers, the last digits of fractions.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

from .test_real_terraform import TERRAFORM, UNKNOWN, Ours, Real, same

COUNT = int(os.environ.get("KMSGUARD_CHANCE", "200"))
SEED = os.environ.get("KMSGUARD_SEED", "0")
BATCH = 200


ATOMS = {
    "text": (
        '""', '"a"', '"é"', '"e\\u0301"', '"A-b_C d"', '"true"', '"5"', '"-1.50"', '"a,b,,c"', '" x\\t\\n"', '"a\\nb\\n"',
        '"$${x}"', '"<a&b>\\u2028"', '"日本語"', '"a.b.c"', '"10.0.0.0/16"', '"2024-02-29T12:30:00Z"', '"SGVsbG8="',
        '"[1, null]"', '"a: [x, 2]"', "local.u_text", '"p-${local.u_text}"', "<<EOT\nline\n  two\nEOT\n",
        "<<-EOT\n    in ${<text>}\n      more\n  EOT\n",
    ),
    "number": (
        "0", "1", "2", "-1", "7", "0.5", "-2.75", "1e3", "1e30", "1 / 3", "9007199254740993", "local.u_number",
    ),
    "truth": (
        "true", "false", "local.u_flag",
    ),
    "list": (
        "[]", '["a", "b", "c"]', '["b", "a", "b"]', '["", "x", null]', 'tolist(["a", "b"])', '["10", "9", "2"]',
        '["a", 1, true]', "[1, 2, 3]", "[3.5, -1]", "range(4)", "local.u_list", '["a", local.u_text]',
        '[["a", "b"], ["c"]]', "[{ a = 1 }, { a = 2 }]",
    ),
    "set": (
        'toset(["b", "a"])', "toset([2, 10, 1])", 'toset(["a", null])', "toset([[1], [2]])",
        "toset([{ a = 1 }, { a = 0 }])",
    ),
    "map": (
        "{}", '{ a = "x", b = "y" }', 'tomap({ a = "x", b = "z" })', "{ a = null }", '{ "1" = "x", "10" = "y" }',
        "local.nested", '{ a = 1, b = [true, { c = "d" }] }', '{ a = local.u_text, b = "y" }',
        '{ a = ["1", "2"], b = ["2"] }',
    ),
}  # fmt: skip
FORMS = {
    "text": (
        "upper(<text>)", "title(<text>)", "trimspace(<text>)", "strrev(<text>)", "substr(<text>, <number>, <number>)",
        "replace(<text>, <text>, <text>)", "join(<text>, <list>)", 'format("<verb>", <any>)',
        'format("<verb> <verb>", <any>, <number>)', "trim(<text>, <text>)", "trimprefix(<text>, <text>)",
        "indent(<number>, <text>)", "base64encode(<text>)", "urlencode(<text>)", "jsonencode(<any>)", "yamlencode(<any>)",
        "sha256(<text>)", "tostring(<any>)", "<list>[<number>]", "lookup(<map>, <text>, <text>)",
        "coalesce(<text>, <text>)", "(<truth> ? <text> : <any>)", "try(<map>.a, <text>)", '"x${<any>}y"',
        '"a ${~ <text> ~} b"', '"%{ if <truth> ~} yes %{~ else }${<text>}%{ endif }|"',
        '"%{ for i, v in <list> ~}\\n ${i}=${v} %{~ endfor }"',
        "<<EOT\n%{ for k, v in <map> ~}\n  ${k} = ${jsonencode(v)}\n%{ endfor ~}\nend\nEOT\n",
        'textencodebase64(<text>, "UTF-16LE")', 'formatdate("EEEE, D MMM YYYY", <text>)',
        'timeadd("2024-02-29T12:30:00Z", "-1h30m")', 'cidrsubnet("10.0.0.0/16", <number>, <number>)',
        'regex("[a-z]+", <text>)', "one(<list>)",
    ),
    "number": (
        "<number> + <number>", "<number> * <number>", "<number> / <number>", "<number> % <number>", "-<number>",
        "length(<any>)", "ceil(<number>)", "floor(<number>)", "max(<number>, <number>)", "pow(<number>, 2)",
        "parseint(<text>, 16)", "sum(<list>)", "tonumber(<text>)", "index(<list>, <text>)", 'length(regexall("a", <text>))',
    ),
    "truth": (
        "<any> == <any>", "<text> != <text>", "<list> == <list>", "<number> < <number>", "<truth> && <truth>",
        "<truth> || <truth>", "!<truth>", "contains(<list>, <any>)", "can(<any>)", "startswith(<text>, <text>)",
        "alltrue([<truth>, <truth>])", "issensitive(<any>)", "<any> == null",
    ),
    "list": (
        "[<any>, <any>]", "[for v in <list> : upper(v)]", "[for k, v in <map> : k if <truth>]", "concat(<list>, <list>)",
        "compact(<list>)", "distinct(<list>)", "reverse(<list>)", "sort(<list>)", "flatten([<list>, <list>])",
        "slice(<list>, <number>, <number>)", "keys(<map>)", "values(<map>)", "split(<text>, <text>)", "tolist(<any>)",
        'formatlist("%s-%v", <list>, <number>)', "chunklist(<list>, <number>)", "(<truth> ? <list> : <list>)",
        "<list>[*].a", "<any>[*]", "setproduct(<list>, <set>)", "range(<number>, <number>, 0.5)",
    ),
    "set": (
        "toset(<list>)", "setunion(<set>, <list>)", "setintersection(<list>, <list>)", "setsubtract(<set>, <list>)",
        "setproduct(<set>, <set>)",
    ),
    "map": (
        "{ a = <any>, b = <any> }", "{ (<text>) = <any> }", "{ for v in <list> : v => length(v) }",
        "{ for v in <list> : v => v... }", "merge(<map>, <map>)", "zipmap(<list>, <list>)", "tomap(<map>)",
        "(<truth> ? <map> : <map>)", "transpose(<map>)", "jsondecode(jsonencode(<map>))", "yamldecode(yamlencode(<map>))",
    ),
}  # fmt: skip
VERBS = (
    "%s",
    "%v",
    "%d",
    "%q",
    "%5s",
    "%-6s|",
    "%05d",
    "%+d",
    "%.2f",
    "%e",
    "%g",
    "%x",
    "%t",
    "%#v",
    "%[1]s",
    "%.1s",
    "%6v|",
    "%+v",
)
HOLE = re.compile(r"<(any|verb|text|number|truth|list|set|map)>")


def expression(chance: random.Random, of: str, depth: int) -> str:
    """An expression that mostly is one of the kind asked for, and now and then of another."""
    kind = chance.choice(list(FORMS)) if of == "any" or chance.random() < 0.03 else of
    form = chance.choice(FORMS[kind] if depth > 0 and chance.random() > 0.2 else ATOMS[kind])

    def filled(hole: re.Match[str]) -> str:
        return chance.choice(VERBS) if hole[1] == "verb" else expression(chance, hole[1], depth - 1)

    return HOLE.sub(filled, form)


def known(mine: object, wanted: object) -> bool:
    """Whether all of two values is known: what is open here or there is compared elsewhere."""
    return UNKNOWN not in str(mine) and UNKNOWN not in str(wanted)


@pytest.mark.terraform
@pytest.mark.skipif(TERRAFORM is None, reason="needs the real terraform program")
def test_the_same_values(tmp_path: Path) -> None:
    """What both know of an expression is the same."""
    chance = random.Random(SEED)
    texts = list(dict.fromkeys(expression(chance, "any", chance.choice((1, 2, 3))) for _ in range(COUNT)))
    wrong = []
    for at in range(0, len(texts), BATCH):
        part = texts[at : at + BATCH]
        (tmp_path / f"ours{at}").mkdir()
        ours = Ours(tmp_path / f"ours{at}", part)
        said = Real(tmp_path / f"real{at}", part).says()
        for text in part:
            mine, one = ours.values[text], said[text]
            if "error" not in one and known(mine, one["value"]) and not same(mine, one["value"]):
                wrong.append(f"{text}\n    {one['value']!r}, ours is {mine!r}")
    assert len(wrong) <= len(texts) // 1000, "\n".join([f"{len(wrong)} of {len(texts)}:", *wrong])
