"""Properties of public templates, beside what moto's CloudFormation parser makes of them.

    pip install "moto[cloudformation]"
    PYTHONPATH=. python benchmarks/against_moto.py FOLDER... [--show N]

Every template is evaluated by both with the same parameters: defaults, and a made-up value where there is none. Compared are
the leaves that are known to us wherever moto computes one too; what it takes from a resource that it makes up is left out, and
so are templates that it cannot parse. The differences are listed by what explains them; README.md says why each is one.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from moto.cloudformation.parsing import ResourceMap, clean_json
from moto.cloudformation.utils import yaml_tag_constructor

from kmsguard.cloudformation import looks_like_template, read
from kmsguard.model.declaration import UnitSettings, UnitSource
from kmsguard.model.value import ABSENT, Text, Value

SUFFIXES = {".yaml", ".yml", ".json", ".template"}
REGION, ACCOUNT = "us-east-1", "123456789012"
MADE_UP = "\ue000"
"""Stands in a text of moto's for what it would take from a resource, or has made up."""


class Resource:
    """A resource of which nothing is known before it is deployed."""

    physical_resource_id = MADE_UP

    def get_cfn_attribute(self, _name: str) -> str:
        """An attribute."""
        return MADE_UP


class Resources(ResourceMap):
    """moto's map of what can be referred to, without making a single resource."""

    def __getitem__(self, key: str) -> Any:
        if key in self._parsed_resources:
            return self._parsed_resources[key]
        if key in self._resource_json_map:
            return Resource()
        raise KeyError(key)


class Loader(yaml.SafeLoader):
    """YAML as moto reads it."""


Loader.add_multi_constructor("", yaml_tag_constructor)


def load(text: str) -> dict[str, Any]:
    """A template as moto has it."""
    loaded = yaml.load(text, Loader=Loader)
    template = json.loads(json.dumps(loaded, default=str)) if isinstance(loaded, dict) else {}
    for said in (template.get("Parameters") or {}).values():
        if isinstance(said, dict) and "Default" in said:
            said["Default"] = text_of(said["Default"])
    for section in ("Conditions", "Mappings"):
        template[section] = as_texts(template.get(section) or {})
    return template


def as_texts(value: Any) -> Any:
    """Scalars as texts: CloudFormation compares texts, moto takes 0 and "0" for different. `!Condition` it does not know."""
    if isinstance(value, dict):
        return {"Condition" if name == "Fn::Condition" else name: as_texts(item) for name, item in value.items()}
    return [as_texts(item) for item in value] if isinstance(value, list) else text_of(value)


def parameters(template: dict[str, Any]) -> dict[str, str]:
    """A value for each parameter that has no default."""
    found: dict[str, str] = {}
    for name, said in (template.get("Parameters") or {}).items():
        if not isinstance(said, dict) or "Default" in said:
            continue
        allowed = said.get("AllowedValues")
        kind = str(said.get("Type", "String"))
        if allowed:
            found[name] = str(allowed[0])
        elif kind == "Number":
            found[name] = str(said.get("MinValue", 5))
        else:
            found[name] = "one,two" if "List" in kind else f"given{len(found)}"
    return found


def plain(value: Value) -> Any:
    """A value of ours; what is not known is MADE_UP."""
    data = value.data
    if isinstance(data, dict):
        return {name: plain(member) for name, member in data.items() if member.data is not ABSENT}
    if isinstance(data, tuple):
        return [plain(item) for item in data if item.data is not ABSENT]
    if isinstance(data, Text):
        return data.known if data.known is not None else MADE_UP
    if data is None or isinstance(data, (str, bool, int, float, Decimal)):
        return data
    return MADE_UP


def text_of(value: Any) -> str:
    """A scalar as CloudFormation writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def differences(ours: Any, theirs: Any, at: str) -> list[tuple[str, Any, Any]]:
    """The leaves that are known to both and not the same."""
    if ours == MADE_UP or (isinstance(theirs, str) and (MADE_UP in theirs or "object at 0x" in theirs)):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = []
        for name in sorted({*ours, *theirs}):
            if name in ours and name in theirs:
                found.extend(differences(ours[name], theirs[name], f"{at}/{name}"))
            elif ours.get(name) != MADE_UP and MADE_UP not in json.dumps(theirs.get(name), ensure_ascii=False, default=str):
                found.append((f"{at}/{name}", ours.get(name), theirs.get(name)))
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return [] if MADE_UP in json.dumps([ours, theirs], ensure_ascii=False, default=str) else [(at, ours, theirs)]
        return [one for n, (a, b) in enumerate(zip(ours, theirs, strict=True)) for one in differences(a, b, f"{at}/{n}")]
    if isinstance(ours, (dict, list)) or isinstance(theirs, (dict, list)):
        return [] if MADE_UP in json.dumps(theirs, ensure_ascii=False, default=str) else [(at, ours, theirs)]
    return [] if text_of(ours) == text_of(theirs) else [(at, ours, theirs)]


def count(value: Any) -> int:
    """The known leaves."""
    if isinstance(value, dict):
        return sum(map(count, value.values()))
    if isinstance(value, list):
        return sum(map(count, value))
    return value != MADE_UP


def unsplit(ours: Any, theirs: str) -> bool:
    """Whether a text is what moto makes of the default of a list: not split, or split into its letters."""
    if isinstance(ours, list):
        return ",".join(map(text_of, ours)) == theirs
    plain_text = isinstance(ours, str) and re.sub(r"[ ,]", "", ours)
    return bool(plain_text) and plain_text == re.sub(r"[ ,]", "", theirs)


EXPLANATIONS: list[tuple[str, Any]] = [
    ("AWS::NoValue stays in a list as null", lambda _, t: isinstance(t, list) and None in t),
    ("AWS::NoValue in a text is None", lambda o, t: "None" in str(t) and str(t).replace("None", "") == str(o)),
    ("${!Literal} beside a name or in a map of Fn::Sub", lambda o, t: "${" in str(t) and "${" in str(o)),
    ("a name that is defined nowhere stays as it is written", lambda _, t: re.search(r"\$\{[^}]*\}", str(t)) is not None),
    ("a dynamic reference is text", lambda _, t: "{{resolve:" in str(t)),
    ("booleans are written as Python does", lambda o, t: text_of(o).lower() == text_of(t).lower()),
    ("the default of a list parameter is not split", lambda o, t: isinstance(t, str) and unsplit(o, t)),
    ("an octal, date or sexagesimal number", lambda o, t: re.fullmatch(r"[\d:-]+", text_of(t)) and isinstance(o, (int, str))),
]


def explained(ours: Any, theirs: Any) -> str:
    """What explains a difference; `not explained` where nothing does."""
    return next((name for name, holds in EXPLANATIONS if holds(ours, theirs)), "not explained")


def compare(path: Path, boundary: Path, counts: collections.Counter[str]) -> list[str]:
    """The differences of a template, a line each."""
    text = path.read_text("utf-8", "replace")
    if not looks_like_template(text) or "Fn::ForEach" in text or "AWS::Serverless" in text or "Fn::Transform" in text:
        return []
    try:
        template = load(text)
        given = parameters(template)
        resources = Resources("stack", "stack", given, {}, REGION, ACCOUNT, template, {})
        resources.load_mapping()
        resources.load_parameters()
        resources.load_conditions()
    except Exception as error:  # noqa: BLE001 - moto parses less than there is
        counts[f"moto cannot: {type(error).__name__}"] += 1
        return []
    settings = UnitSettings(region=REGION, account=ACCOUNT, variables=tuple(given.items()))
    unit = read(UnitSource(str(path), "cloudformation", settings, boundary=str(boundary)))
    counts["templates"] += 1
    found = []
    for declaration in unit.declarations:
        said = (template.get("Resources") or {}).get(declaration.address)
        if declaration.mode != "managed" or not isinstance(said, dict) or not isinstance(said.get("Properties"), dict):
            continue
        try:
            theirs = clean_json(said["Properties"], resources)
        except Exception as error:  # noqa: BLE001 - moto supports fewer functions
            counts[f"moto cannot, a resource: {type(error).__name__}"] += 1
            continue
        ours = plain(declaration.body)
        counts["values"] += count(ours)
        for at, one, other in differences(ours, theirs, ""):
            why = explained(one, other)
            counts[f"difference: {why}"] += 1
            found.append(f"{why} | {path} {declaration.address}{at}: {one!r:.150} for {other!r:.150}")
    return found


def main() -> int:
    """Compares all templates of some folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--show", default="not explained", help="which differences are listed")
    arguments = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    for folder in arguments.folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and ".git" not in path.parts and path.stat().st_size < 1_000_000:
                for line in compare(path, folder, counts):
                    if line.startswith(arguments.show):
                        print(line)
    for name, number in sorted(counts.items()):
        print(f"{number:8} {name}")
    return 1 if counts["difference: not explained"] else 0


if __name__ == "__main__":
    sys.exit(main())
