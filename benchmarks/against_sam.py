"""What is made of AWS SAM's templates, beside what `aws-sam-translator` makes of them.

    pip install aws-sam-translator
    PYTHONPATH=. python benchmarks/against_sam.py FOLDER... [--show N]

Every template with the transform is translated by both; both results are evaluated here, and compared resource by resource.
Left out is what README.md names: definitions of APIs that SAM writes from events, hashes in logical ids.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from kmsguard.cloudformation import read
from kmsguard.model.declaration import Unit, UnitSettings, UnitSource
from kmsguard.model.value import ABSENT, Choice, Text, Unknown, Value

REGION = "us-east-1"
SETTINGS = UnitSettings(region=REGION, account="123456789012")
_HASHED = re.compile(r"^(.*(?:Version|Deployment))[0-9a-f]{10}$")
_LEFT_OUT = {
    "AWS::ApiGateway::RestApi": {"Body", "Parameters"},
    "AWS::ApiGatewayV2::Api": {"Body"},
    "AWS::ApiGateway::Deployment": {"Description", "StageName"},
    "AWS::StepFunctions::StateMachine": {"DefinitionString", "DefinitionSubstitutions"},
}


class Loader:
    """No managed policies but those that the translator knows itself."""

    def load(self) -> dict[str, str]:
        """None."""
        return {}


def translate(text: str) -> dict[str, Any] | None:
    """What SAM makes of a template; None where it refuses it."""
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    try:
        return transform(yaml_parse(text), {}, Loader(), None, True)  # type: ignore[no-any-return]
    except Exception:  # noqa: BLE001 - it refuses many of its own inputs on purpose
        return None


def plain(value: Value, names: dict[str, str]) -> Any:
    """A value as something that can be compared."""
    data = value.data
    if isinstance(data, dict):
        return {name: plain(member, names) for name, member in data.items()}
    if isinstance(data, tuple):
        return [plain(item, names) for item in data]
    if isinstance(data, Text):
        known = data.known
        return number(known) if known is not None else {"text": runs([plain(piece, names) for piece in data.pieces])}
    if isinstance(data, Choice):
        return {"choice": [plain(branch.value, names) for branch in data.branches]}
    if isinstance(data, Unknown):
        reference = data.reference or data.reason
        head, dot, rest = reference.partition(".")
        return {"unknown": names.get(head, head) + dot + rest}
    if data is ABSENT:
        return None
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, (int, float, Decimal)):
        return number(str(data))
    return number(data) if isinstance(data, str) else data


def number(text: str) -> str:
    """A text; of one that is a number with a fraction, the number."""
    return f"{Decimal(text).normalize():f}" if re.fullmatch(r"\d+\.\d+", text) else text


def runs(pieces: list[Any]) -> list[Any]:
    """Pieces with neighbouring literals joined."""
    joined: list[Any] = []
    for piece in pieces:
        if joined and isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def unhashed(name: str, known: frozenset[str]) -> str:
    """A logical id without the hash that SAM puts at its end."""
    match = _HASHED.match(name)
    if match is not None:
        return match.group(1)
    return name[:-10] if re.search(r"[0-9a-f]{10}$", name) and name[:-10] in known else name


def resources(unit: Unit, known: frozenset[str]) -> dict[str, tuple[str, Any]]:
    """Type and properties by logical id."""
    names = {d.address: unhashed(d.address, known) for d in unit.declarations}
    return {
        names[d.address]: (d.type, plain(d.body, names))
        for d in unit.declarations
        if d.mode == "managed" and not d.type.startswith("AWS::Serverless::")
    }


def differences(ours: dict[str, tuple[str, Any]], theirs: dict[str, tuple[str, Any]]) -> list[str]:
    """What is not the same, a line each."""
    found = []
    for name in sorted({*ours, *theirs}):
        if name not in ours:
            found.append(f"missing {theirs[name][0]} {name}")
        elif name not in theirs:
            found.append(f"too much {ours[name][0]} {name}")
        elif ours[name][0] != theirs[name][0]:
            found.append(f"type {ours[name][0]} for {theirs[name][0]} {name}")
        else:
            kind = ours[name][0]
            ignored = _LEFT_OUT.get(kind, set())
            for key in sorted({*ours[name][1], *theirs[name][1]} - ignored):
                one, other = ours[name][1].get(key), theirs[name][1].get(key)
                if canonical(one) != canonical(other) and (one or other):
                    found.append(f"value {kind}.{key} {name}: {json.dumps(one)[:400]} for {json.dumps(other)[:400]}")
    return found


def canonical(value: Any) -> str:
    """The same for lists of policies and tags in any order."""
    if isinstance(value, list):
        return json.dumps(sorted(canonical(item) for item in value))
    if isinstance(value, dict):
        return json.dumps({key: canonical(value[key]) for key in sorted(value)})
    return json.dumps(value)


def compare(path: Path) -> list[str] | None:
    """The differences of one template; None where SAM refuses it or it has no transform."""
    text = path.read_text("utf-8", "replace")
    if "AWS::Serverless-2016-10-31" not in text and "AWS::Serverless::" not in text:
        return None
    made = translate(text)
    if made is None:
        return None
    text = re.sub(r"AWS::Serverless-2016-10-31[\w-]+", "AWS::Serverless-2016-10-31", text)
    if "AWS::Serverless-2016-10-31" not in text:
        text += "\nTransform: AWS::Serverless-2016-10-31\n"
    made.pop("Transform", None)
    unit = read(UnitSource(str(path), "cloudformation", SETTINGS, text=text))
    other = read(UnitSource("translated.json", "cloudformation", SETTINGS, text=json.dumps(made)))
    known = frozenset(d.address for d in unit.declarations)
    return differences(resources(unit, known), resources(other, known))


def main() -> int:
    """Compares all templates of some folders."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--kind", default="")
    arguments = parser.parse_args()
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    same, different, refused = 0, 0, 0
    kinds: Counter[str] = Counter()
    shown = 0
    for folder in arguments.folders:
        for path in (
            sorted([*Path(folder).rglob("*.yaml"), *Path(folder).rglob("*.yml")]) if Path(folder).is_dir() else [Path(folder)]
        ):
            found = compare(path)
            if found is None:
                refused += 1
                continue
            same += not found
            different += bool(found)
            kinds.update({" ".join(line.split()[:2]) for line in found})
            for line in found:
                if arguments.kind in line and shown < arguments.show:
                    shown += 1
                    print(path.name, line)
    print(f"{same} the same, {different} different, {refused} refused or without transform")
    for kind, count in kinds.most_common(60):
        print(f"{count:5} {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
