"""Writes the reference pages from the program itself: command line, rules, kinds, JSON.

python docs/generate.py            write them
python docs/generate.py --check    exit 1 where one differs from what would be written
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
REFERENCE = HERE / "reference"
NOTE = "<!-- Written by docs/generate.py: change the program, not this page. -->"


def command_line() -> Iterator[str]:
    """Every command with its arguments; made from the parsers and not from `--help`, whose layout differs between Pythons."""
    from kmsguard.cli.command_line import COMMANDS, build

    yield "# Command line\n"
    yield "| command | what it does |\n| --- | --- |"
    for command, summary in COMMANDS.items():
        yield f"| [`kmsguard {command}`](#kmsguard-{command}) | {summary} |"
    yield ""
    for command in COMMANDS:
        choices = next(action.choices for action in build(command)._actions if action.dest == "command")  # noqa: SLF001
        parser = choices[command]
        yield f"## kmsguard {command}\n"
        yield f"{parser.description}\n"
        yield "| argument | meaning |\n| --- | --- |"
        for action in parser._actions:  # noqa: SLF001
            shown = [f"{name} {_value(action)}".rstrip() for name in action.option_strings] or [_value(action)]
            meaning = (action.help or "") % {"default": action.default, "prog": "kmsguard"}
            cells = (f"`{', '.join(shown)}`", meaning)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    choices = ",".join(str(choice) for choice in action.choices) if action.choices else ""
    metavar = action.metavar or (f"{{{choices}}}" if choices else action.dest.upper())
    return f"{metavar}..." if action.nargs in ("+", "*") else str(metavar)


def rules() -> Iterator[str]:
    """Every rule: what it means, why, how to mend it."""
    from kmsguard.model.finding import CATEGORIES
    from kmsguard.rules.load import load

    table = sorted((rule.info for rule in load().rules), key=lambda info: info.code)
    yield "# Rules\n"
    yield (
        "Profiles are cumulative: `essential`, `recommended` (the default), `strict`. "
        "`kmsguard explain CODE` shows a rule with its examples.\n"
    )
    for category in CATEGORIES:
        members = [info for info in table if info.category == category]
        if not members:
            continue
        yield f"## {category}\n"
        yield "| code | name | severity | profile | what |\n| --- | --- | --- | --- | --- |"
        for info in members:
            yield f"| [{info.code}](#{info.code.lower()}) | `{info.name}` | {info.severity} | {info.profile} | {info.title} |"
        yield ""
    for info in table:
        yield f"### {info.code}\n"
        yield f"**{info.title}** (`{info.name}`)\n"
        yield f"{info.why.strip()}\n"
        yield f"*How to mend it:* {info.remediation.strip()}\n"
        for link in info.links:
            yield f"- <{link}>"
        if info.links:
            yield ""


def kinds() -> Iterator[str]:
    """Every kind: source types, attributes with defaults, edges."""
    from kmsguard.kinds.load import load

    table = load()
    sources: dict[str, list[str]] = {}
    for source, uses in table.uses.items():
        for use in uses:
            sources.setdefault(use.kind, []).append(source)
    yield "# Kinds\n"
    yield "What rules are written against: one kind for both languages, with AWS's defaults.\n"
    for name in sorted(table.kinds):
        kind = table.kinds[name]
        yield f"## {name}\n"
        yield f"{kind.title}." + (f" Traits: {', '.join(f'`{trait}`' for trait in kind.traits)}." if kind.traits else "") + "\n"
        listed = ", ".join(f"`{source}`" for source in sorted(set(sources.get(name, []))))
        if listed:
            yield f"From {listed}.\n"
        yield "| attribute | type | default |\n| --- | --- | --- |"
        for label, attribute in kind.attributes.items():
            default = f"`{attribute.default[0]}`" if attribute.default else ""
            yield f"| `{label}` | {attribute.type} | {default} |"
        yield ""
        for label, edge in kind.edges.items():
            yield f"- edge `{label}` to {', '.join(f'`{end}`' for end in edge.to)}"
        if kind.edges:
            yield ""


def json_answers() -> Iterator[str]:
    """The shape of what `kmsguard keys` and `kmsguard who-can` print as JSON."""
    import msgspec

    from kmsguard.answers.keys import Inventory
    from kmsguard.answers.who_can import WhoCan

    (inventory, who_can), structs = msgspec.json.schema_components((Inventory, WhoCan), ref_template="{name}")
    commands = {inventory["$ref"]: "kmsguard keys --format json", who_can["$ref"]: "kmsguard who-can ACTION --format json"}
    yield "# JSON of the answers\n"
    yield "What the commands print with `--format json`. Keys stand in this order, and the same input gives the same bytes."
    yield "`format_version` changes where a key goes or changes its meaning; new keys may come at any time.\n"
    for name in (*commands, *(name for name in structs if name not in commands)):
        struct = structs[name]
        yield f"## {name}\n"
        yield f"{struct.get('description', '')}\n"
        if name in commands:
            yield f"Printed by `{commands[name]}`.\n"
        yield "| key | type | meaning |\n| --- | --- | --- |"
        for key, schema in struct["properties"].items():
            yield f"| `{key}` | {_type(schema)} | {schema.get('description', '')} |"
        yield ""


def _type(schema: dict[str, Any]) -> str:
    """A type as a reader of a table sees it."""
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "$ref" in schema:
        return f"[{schema['$ref']}](#{schema['$ref'].lower()})"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("type", "anything"))


PAGES = {"cli.md": command_line, "rules.md": rules, "kinds.md": kinds, "json.md": json_answers}


def main() -> int:
    """Writes the pages, or compares them."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        text = NOTE + "\n\n" + "\n".join(page()).rstrip() + "\n"
        path = REFERENCE / name
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            REFERENCE.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"docs/reference: {', '.join(stale)} is not current; run python docs/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
