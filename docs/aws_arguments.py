"""Writes `kmsguard/terraform/aws_arguments.txt`: what the blocks of Terraform's AWS provider may hold, in versions 4 to 6.

    terraform providers schema -json > schema.json
    pip download --no-deps -d bindings cdktf-cdktf-provider-aws==7.0.0    # and the others of BINDINGS
    python docs/aws_arguments.py schema.json bindings

The schema of one version comes from Terraform itself. What other versions know is taken from the bindings of the Terraform
CDK, which are generated from the schemas of those versions. What any of them accepts is accepted: an argument is required
where all versions that have the resource require it, and has a type where all of them give it the same.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

TARGET = Path(__file__).parents[1] / "kmsguard/terraform/aws_arguments.txt"
BINDINGS = (
    "cdktf-cdktf-provider-aws==6.0.0",  # 4.0
    "cdktf-cdktf-provider-aws==7.0.0",
    "cdktf-cdktf-provider-aws==10.0.0",
    "cdktf-cdktf-provider-aws==15.0.0",  # 4.67
    "cdktf-cdktf-provider-aws==16.0.0",
    "cdktf-cdktf-provider-aws==19.65.1",  # 5.99
    "cdktf-cdktf-provider-aws==21.0.0",  # 6.0
    "cdktf-cdktf-provider-aws==21.22.1",
    "cdktn-provider-aws==25.8.1",
)

Type: TypeAlias = Any
"""`s` string, `n` number, `b` bool, `["l", T]` list or set, `["m", T]` map, `{name: T}` object, None where versions differ."""
Block: TypeAlias = dict[str, Any]
"""By name one of these, where the mode is required, optional or computed:

- `("a", mode, type, sensitive)` an argument,
- `("b", min, max, Block)` a block, `max` 0 is any number of them, and None where the bindings do not tell it but it is above 1,
- `("o", mode, Block)` a list of objects, which may be written as blocks too; required in it is what such an object has to have,
- `("u", mode)` an argument or a block, the bindings do not tell,
- `("e", mode)` either.
"""


# --- the schema of Terraform -------------------------------------------------------------------------------------------------

_SCALARS = {"string": "s", "number": "n", "bool": "b", "dynamic": None}


def type_of(given: Any) -> Type:
    """A type as Terraform writes it."""
    if isinstance(given, str):
        return _SCALARS[given]
    kind, inner = given[0], given[1]
    if kind == "object":
        return {name: type_of(one) for name, one in inner.items()}
    return ["m" if kind == "map" else "l", type_of(inner)]


def argument(mode: str, of: Type, *, sensitive: bool = False) -> tuple[Any, ...]:
    """An argument; a list of objects may be written as blocks.

    See https://developer.hashicorp.com/terraform/language/attr-as-blocks.
    """
    if mode != "computed" and isinstance(of, list) and of[0] == "l" and isinstance(of[1], dict):
        return ("o", mode, {name: argument("required", one) for name, one in of[1].items()})
    return ("a", mode, of, sensitive)


def as_objects(block: Block) -> Block:
    """What the bindings call a block, as objects of a list."""
    out: Block = {}
    for name, one in block.items():
        if one[0] == "b":
            out[name] = ("o", "required", as_objects(one[3]))
        else:
            out[name] = (one[0], "required", *one[2:])
    return out


def block_of(given: dict[str, Any]) -> Block:
    """A block as Terraform writes it."""
    out: Block = {}
    for name, one in given.get("attributes", {}).items():
        mode = "required" if one.get("required") else "optional" if one.get("optional") else "computed"
        out[name] = argument(mode, type_of(one["type"]), sensitive=bool(one.get("sensitive")))
    for name, one in given.get("block_types", {}).items():
        most = 1 if one["nesting_mode"] == "single" else one.get("max_items", 0)
        out[name] = ("b", one.get("min_items", 0), most, block_of(one["block"]))
    return out


def schema(path: Path) -> tuple[str, dict[str, Block]]:
    """The version, and the block of each `resource TYPE` and `data TYPE`."""
    whole = json.loads(path.read_text(encoding="utf-8"))
    (provider,) = (one for name, one in whole["provider_schemas"].items() if name.endswith("/hashicorp/aws"))
    out = {f"resource {name}": block_of(one["block"]) for name, one in provider["resource_schemas"].items()}
    out |= {f"data {name}": block_of(one["block"]) for name, one in provider["data_source_schemas"].items()}
    out["provider aws"] = block_of(provider["provider"]["block"])
    for name, one in provider["ephemeral_resource_schemas"].items():
        # the bindings know no ephemeral resources; since version 6 each of them takes its Region
        out[f"ephemeral {name}"] = {**block_of(one["block"]), "region": argument("optional", "s")}
    return "5.100.0", out


# --- the bindings ------------------------------------------------------------------------------------------------------------

_STRUCT = re.compile(r"^function (\w+?)To(Hcl)?Terraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_BODY = re.compile(r"^    synthesize(Hcl)?Attributes\(\) \{\n(.*?)^    \}", re.MULTILINE | re.DOTALL)
_PLAIN = re.compile(
    r"^\s+(\w+): (?:struct\.\w+ === undefined \? null : )?(.+)\((?:struct\.|this\._)(\w+?)(?:\.internalValue)?\),$"
)
_HCL = re.compile(
    r"^\s+(\w+): \{\n\s+value: (?:struct\.\w+ === undefined \? null : )?"
    r"(.+)\((?:struct\.|this\._)(\w+?)(?:\.internalValue)?\),\n"
    r"\s+isBlock: (true|false),\n\s+type: \"(\w+)\"",
    re.MULTILINE,
)
_INTERFACE = re.compile(r"^export interface (\w+)(?: extends [\w.]+)? \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^    readonly (\w+)(\??):", re.MULTILINE)
_CLASS = re.compile(
    r"^export declare class \w+ extends cdkt[fn]\.Terraform(Resource|DataSource|Provider) \{"
    r".*?constructor\(scope: Construct, id: string, config\??: (\w+)",
    re.MULTILINE | re.DOTALL,
)
_TYPE = re.compile(r"terraformResourceType: '(aws(?:_\w+)?)'")
_OWN = re.compile(r"extends cdkt[fn]\.Terraform(?:Resource|DataSource) \{")
_READ = re.compile(
    r"\bthis\.get\w+Attribute\('(\w+)'\)|\bnew \w+\(this, [\"'](\w+)[\"'],|\bcdkt[fn]\.\w+Map\(this, [\"'](\w+)[\"']\)"
)
_VERSION = re.compile(r"providerVersion: '([\d.]+)'")


def sources(path: Path) -> Iterator[tuple[str, str]]:
    """The code of each resource of a package of bindings: all its script, all its declarations."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
            packed: Any = io.BytesIO(wheel.read(name))
    else:
        packed = path.open("rb")
    script: dict[str, list[str]] = {}
    declared: dict[str, list[str]] = {}
    with tarfile.open(fileobj=packed) as archive:
        for member in archive:
            parts = member.name.split("/")
            if len(parts) < 3 or parts[1] != "lib" or not member.name.endswith((".js", ".d.ts")):
                continue
            if parts[-1] == "index.js" and len(parts) == 4 and parts[2] == "lazy-index":
                continue
            # a folder for each resource; in older packages a file in a folder for each service
            stem = parts[-1].removesuffix(".js").removesuffix(".d.ts")
            of_file = stem != "index" and len(parts) == 4
            key = "/".join((*parts[2:-1], stem)) if of_file else "/".join(parts[2:-1])
            key = key.removesuffix("/index-structs").removesuffix("-structs")
            reader = archive.extractfile(member)
            assert reader is not None
            text = reader.read().decode("utf-8").split("//# sourceMappingURL", 1)[0]
            (script if member.name.endswith(".js") else declared).setdefault(key, []).append(text)
    for key, texts in script.items():
        yield "\n".join(texts), "\n".join(declared.get(key, ()))


class Bindings:
    """What the bindings of one resource say of it."""

    def __init__(self, script: str, declared: str) -> None:
        self.fields: dict[str, dict[str, bool]] = {}  # by interface: whether a field is required
        for name, body in _INTERFACE.findall(declared):
            self.fields[name[0].lower() + name[1:]] = {field: not mark for field, mark in _FIELD.findall(body)}
        self.structs: dict[str, dict[str, tuple[str, str, bool | None]]] = {}
        for name, hcl, body in _STRUCT.findall(script):
            if hcl or name not in self.structs:
                self.structs[name] = self._entries(body, hcl=bool(hcl))
        own = _OWN.search(script)
        self.read = sorted({"".join(names) for names in _READ.findall(script[own.end() :])}) if own else []
        self.top: dict[str, tuple[str, str, bool | None]] = {}
        for hcl, body in _BODY.findall(script):
            if hcl or not self.top:
                self.top = self._entries(body, hcl=bool(hcl))

    def _entries(self, body: str, *, hcl: bool) -> dict[str, tuple[str, str, bool | None]]:
        """By name: the converter, the field, and whether it is a block (None where the bindings do not say it)."""
        if hcl:
            return {name: (by, field, block == "true") for name, by, field, block, _ in _HCL.findall(body)}
        found = (_PLAIN.match(line) for line in body.splitlines())
        return {one[1]: (one[2], one[3], self._says_block(one[2])) for one in found if one}

    @staticmethod
    def _says_block(by: str) -> bool | None:
        if by.endswith((", true)", ", false)")):
            return by.endswith(", true)")
        return False if "cdkt" in by.rpartition("(")[2] else None

    def block(self, config: str) -> Block:
        """The block of the resource."""
        written = self._block(self.top, self.fields.get(config[0].lower() + config[1:], {}), ())
        return {**{name: argument("computed", None) for name in self.read}, **written}

    def _block(
        self, entries: dict[str, tuple[str, str, bool | None]], fields: dict[str, bool], around: tuple[str, ...]
    ) -> Block:
        out: Block = {}
        for name, (by, field, is_block) in entries.items():
            required = fields.get(field, False)
            struct = self._struct(by)
            if struct is None or is_block is False:
                out[name] = argument("required" if required else "optional", self._type(by))
            elif struct in around or (is_block is None and by.startswith(("cdktf.listMapper", "cdktn.listMapper"))):
                out[name] = ("u", "required" if required else "optional")
            else:
                most = None if "istMapper" in by else 1
                inner = self._block(self.structs[struct], self.fields.get(struct, {}), (*around, struct))
                out[name] = ("b", int(required), most, inner)
        return out

    def _struct(self, by: str) -> str | None:
        found = re.search(r"\b(?!cdkt[fn]\.)(?:\w+\.)?(?!cdkt[fn]\.)(\w+?)To(?:Hcl)?Terraform\b", by)
        return found[1] if found and found[1] in self.structs else None

    def _type(self, by: str) -> Type:
        mapper = re.match(r"cdkt[fn]\.(listMapper|hashMapper)(?:Hcl)?\((.*?)(?:, (?:true|false))?\)$", by)
        if mapper:
            return ["l" if mapper[1] == "listMapper" else "m", self._type(mapper[2])]
        scalar = re.match(r"cdkt[fn]\.(string|number|boolean)To", by)
        if scalar:
            return scalar[1][0]
        struct = self._struct(by)
        if struct is None:
            return None
        return {name: self._type(inner) for name, (inner, _, _) in self.structs[struct].items()}


_KINDS = {"Resource": "resource", "DataSource": "data", "Provider": "provider"}


def bindings(path: Path) -> tuple[str, dict[str, Block]]:
    """The version that a package of bindings was made from, and its blocks."""
    out: dict[str, Block] = {}
    version = ""
    for script, declared in sources(path):
        named, made = _TYPE.search(script), _CLASS.search(declared)
        if named is None or made is None:
            continue
        found = _VERSION.search(script)
        version = version or (found[1] if found else "")
        out[f"{_KINDS[made[1]]} {named[1]}"] = Bindings(script, declared).block(made[2])
    return version, out


# --- all of them -------------------------------------------------------------------------------------------------------------


def optional(one: tuple[Any, ...]) -> tuple[Any, ...]:
    """What one version has and another has not."""
    if one[0] == "b":
        return ("b", 0, *one[2:])
    return (one[0], "optional" if one[1] == "required" else one[1], *one[2:])


def merged(a: Block, b: Block) -> Block:
    """What either of two versions accepts."""
    out: Block = {}
    for name in sorted(a.keys() | b.keys()):
        if name not in a or name not in b:
            out[name] = optional(a.get(name) or b[name])
        else:
            out[name] = either(a[name], b[name])
    return out


def either(a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
    """An entry that both versions have."""
    for read, other in ((a, b), (b, a)):
        if read[:2] == ("a", "computed") and (other[0] == "b" or other[1] != "computed"):
            return optional(other)
    if a[0] == b[0] == "b":
        exact = [one for one in (a, b) if (one[2] or 0) > 1 and one[1] == one[2]]
        most = a[2] if a[2] == b[2] else _most({a[2], b[2]})
        least = min(max(a[1], b[1]), exact[0][1]) if exact and a[1] and b[1] else min(a[1], b[1])
        return ("b", least, most, merged(a[3], b[3]))
    mode = "required" if _required(a) and _required(b) else "computed" if a[1] == b[1] == "computed" else "optional"
    if a[0] == b[0] == "a":
        return ("a", mode, a[2] if a[2] == b[2] else joined(a[2], b[2]), a[3] or b[3])
    if "u" in (a[0], b[0]):
        known = a if b[0] == "u" else b
        if known[0] == "b":
            return ("b", known[1] if mode == "required" else 0, *known[2:])
        return (known[0], mode, *known[2:])
    if "o" in (a[0], b[0]) and {a[0], b[0]} <= {"o", "b"}:
        inner = [one[2] if one[0] == "o" else as_objects(one[3]) for one in (a, b)]
        return ("o", mode, merged(*inner))
    return ("e", mode)


def _most(bounds: set[int | None]) -> int:
    """The upper bound of two different ones: what the bindings leave open is as the schema says, if that is above 1."""
    known = [bound for bound in bounds if bound is not None]
    return known[0] if None in bounds and known[0] > 1 else 0


def _required(one: tuple[Any, ...]) -> bool:
    return bool(one[1]) if one[0] == "b" else one[1] == "required"


def joined(a: Type, b: Type) -> Type:
    """A type that holds what either of two types holds."""
    if isinstance(a, list) and isinstance(b, list) and a[0] == b[0]:
        return [a[0], joined(a[1], b[1])]
    if isinstance(a, str) and isinstance(b, str):
        return a if a == b else "s"  # a text takes numbers and bools too
    return a if a == b else None


# --- the file ----------------------------------------------------------------------------------------------------------------


def written_type(of: Type) -> str:
    """A type as it stands in the file."""
    if of is None:
        return "?"
    if isinstance(of, str):
        return of
    if isinstance(of, list):
        return of[0] + written_type(of[1])
    return "{" + ",".join(f"{name}:{written_type(one)}" for name, one in sorted(of.items())) + "}"


class Page:
    """The lines of the file; blocks that are alike are written once."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def line(self, block: Block) -> str:
        """A block, those inside it as the numbers of their lines."""
        words = []
        for name, one in sorted(block.items()):
            mark = "!" if _required(one) else ""
            if one[0] == "a" and one[1] == "computed":
                words.append(f"{name}:={'*' if one[3] else ''}")
            elif one[0] == "a":
                words.append(f"{name}:{mark}{'*' if one[3] else ''}{written_type(one[2])}")
            elif one[0] in "eu":
                words.append(f"{name}:{mark}~")
            elif one[0] == "o":
                words.append(f"{name}:{mark}[{self.number(one[2])}")
            else:
                words.append(
                    f"{name}:<{one[1]}-{one[2] or 0}/{self.number(one[3])}".replace("<0-0/", "<").replace("<0-1/", "<1/")
                )
        return " ".join(words)

    def number(self, block: Block) -> int:
        """Which line a block is."""
        return self.numbers.setdefault(self.line(block), len(self.numbers))


def page(versions: list[str], blocks: dict[str, Block]) -> str:
    """The whole file: a line for each resource, then one for each block in them, from number 0 on.

    Of each name behind its colon: `!` it is required, `=` AWS decides it, `*` it is sensitive; the type of an argument, `[3` a
    list of objects, `<1-0/3` a block that is there at least once and any number of times, `<3` any number, `<1/3` once at most.
    """
    made = Page()
    heads = [f"{name}\t{made.line(block)}" for name, block in sorted(blocks.items())]
    return "\n".join([f"versions\t{' '.join(versions)}", *heads, "blocks", *made.numbers])


def main() -> None:
    """Writes the file."""
    exact, folder = Path(sys.argv[1]), Path(sys.argv[2])
    found = [schema(exact), *(bindings(path) for path in sorted(folder.iterdir()))]
    found = sorted(found, key=lambda one: [int(part) for part in (one[0] or "4.0").split(".")])
    blocks: dict[str, Block] = {}
    for version, known in found:
        print(version, len(known), file=sys.stderr)
        for name, block in known.items():
            blocks[name] = merged(blocks[name], block) if name in blocks else block
    TARGET.write_text(page([version or "4.0" for version, _ in found], blocks), encoding="utf-8")


if __name__ == "__main__":
    main()
