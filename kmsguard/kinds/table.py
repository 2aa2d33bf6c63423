"""What a kind file says, compiled: kinds, and for each source type how its declarations become resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from kmsguard.model.condition import Condition
from kmsguard.model.resource import KeyUse

if TYPE_CHECKING:
    Plain: TypeAlias = "str | bool | int | float | list[Plain] | dict[str, Plain] | None"
    """Data as a kind file writes it."""
else:
    Plain = Any  # msgspec reads annotations, and has no recursive ones

TYPES = ("string", "bool", "int", "number", "ref", "list", "map", "policy", "json", "secret", "any")
"""What an attribute can be. `ref` names another resource, `policy` is an IAM policy document, `json` any embedded document,
`secret` a text that must not be written into a template."""


Scope: TypeAlias = Literal["region", "account", "everywhere"]
SCOPES: tuple[Scope, ...] = ("region", "account", "everywhere")


class Path(msgspec.Struct, frozen=True, tag=True):
    """Where to look in a body: names, `[]` (every element), `[0]` (one), `[Key=x]` (those elements that say so).

    `root`: from the declaration, and not from the element that `each` or `items` is at (written `^`).
    """

    steps: tuple[str, ...]
    root: bool = False


class Const(msgspec.Struct, frozen=True, tag=True):
    """The same for every declaration of the type."""

    value: Plain


class FirstOf(msgspec.Struct, frozen=True, tag=True):
    """The first word that yields something."""

    words: tuple[Word, ...]


class Together(msgspec.Struct, frozen=True, tag=True):
    """The lists that all words yield, one after the other."""

    words: tuple[Word, ...]


class Translate(msgspec.Struct, frozen=True, tag=True):
    """Another vocabulary.

    A scalar that stands in the table becomes what stands beside it there; any other one `otherwise`, or itself where that is
    not given.
    """

    word: Word
    table: dict[str, Plain]
    otherwise: tuple[Plain, ...] = ()


class Fallback(msgspec.Struct, frozen=True, tag=True):
    """A default of this source type alone."""

    word: Word
    value: Plain


class Json(msgspec.Struct, frozen=True, tag=True):
    """An embedded document: a text that holds JSON, or the document itself; `at`: what stands at a path in it; `yaml`: it may
    also be written in YAML."""

    word: Word
    at: tuple[str, ...] = ()
    yaml: bool = False


class Present(msgspec.Struct, frozen=True, tag=True):
    """True where anything stands there (an empty block too); nothing otherwise."""

    word: Word


class Items(msgspec.Struct, frozen=True, tag=True):
    """A list of maps of our own: one for each element, its fields taken from the element."""

    word: Word
    fields: dict[str, Word]


class Pairs(msgspec.Struct, frozen=True, tag=True):
    """A map out of a list of pairs (tags, parameters)."""

    word: Word
    key: str
    value: str


class Prefix(msgspec.Struct, frozen=True, tag=True):
    """A name of which only the beginning is written, the rest is made up at creation."""

    word: Word


class Itself(msgspec.Struct, frozen=True, tag=True):
    """The declaration itself: the attribute by which its language refers to it (`arn`, `Ref`)."""

    attribute: str


class Meta(msgspec.Struct, frozen=True, tag=True):
    """What is said of the declaration, and not in its body: `prevent_destroy`, `DeletionPolicy`."""

    name: str


Word: TypeAlias = (
    Path | Const | FirstOf | Together | Translate | Fallback | Json | Present | Items | Pairs | Prefix | Itself | Meta
)


class Use(msgspec.Struct, frozen=True):
    """What the declarations of one source type are to one kind.

    Without `attach` each of them is a resource of the kind (with `each`: each element of a list in it is one). With `attach`
    it completes the resources of the kind that the word names: `adds` appends to lists, `replaces` takes an attribute's place.
    """

    kind: str
    attributes: dict[str, Word] = {}
    each: Path | None = None
    attach: Word | None = None
    adds: dict[str, Word] = {}
    replaces: dict[str, Word] = {}


class Attribute(msgspec.Struct, frozen=True):
    """What is known of an attribute. It is what is written, else what is inherited, else what is derived, else the default."""

    type: str
    to: tuple[str, ...] = ()
    of: tuple[str, dict[str, str]] | None = None  # of a list: the type of its elements; of maps: their members' types
    default: tuple[Plain, ...] = ()  # empty: none
    inherit: tuple[tuple[str, str], ...] = ()  # (edge, attribute of its end), the first that yields something
    derive: Condition | None = None
    function: str | None = None
    dynamic: bool = False  # hangs on a derived attribute: known only within a world
    title: str = ""


class EdgeSpec(msgspec.Struct, frozen=True):
    """How an edge comes about."""

    by: tuple[str, ...]  # the attribute, and the way into it
    to: tuple[str, ...]
    how: Literal["reference", "tags", "account", "region"] = "reference"


STORES = ("ssm",)
"""Stores whose values are referred to by their name, wherever they are made."""


class Identity(msgspec.Struct, frozen=True):
    """How a resource is called from elsewhere.

    `parts` are texts made from attributes and other parts in braces. `names` are the parts by which a reference may name it
    besides its ARN (the part `arn`). `terraform` and `cloudformation` say which part an attribute of the language returns.
    """

    parts: dict[str, str] = {}
    made_up: tuple[str, ...] = ()  # parts that AWS makes up at creation
    names: tuple[str, ...] = ()
    scope: Scope = "region"  # in which its names are unique
    within: tuple[str, ...] = ()  # an ARN or name followed by one of these names something inside it
    same_as: dict[str, str] = {}  # part -> edge: it is the part of the edge's end, where there is one
    terraform: dict[str, str] = {}
    cloudformation: dict[str, str] = {}
    stored: dict[str, str] = {}  # store -> attribute: what a reference by the store and its name returns (`ssm:/app/key`)


class Kind(msgspec.Struct, frozen=True):
    """One kind of resource."""

    name: str
    title: str
    traits: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}
    identity: Identity = Identity()
    edges: dict[str, EdgeSpec] = {}
    key_use: tuple[KeyUse, ...] = ()
    mend: dict[str, dict[str, str]] = {}  # attribute or edge -> language -> what to write there
    stands_for: str = ""  # the edge whose end a reference to this one means
    only: str = ""  # why it is in one language alone
    file: str = ""

    def is_part(self, name: str) -> bool:
        """Whether a name is that of a part of its identity."""
        return name in self.identity.parts or name in self.identity.made_up

    @property
    def secrets(self) -> tuple[str, ...]:
        """The attributes that are secrets, in order."""
        return tuple(name for name, attribute in self.attributes.items() if attribute.type == "secret")


class KindTable(msgspec.Struct, frozen=True):
    """All kinds, and what each source type is. Data sources are under `data.TYPE`."""

    kinds: dict[str, Kind]
    uses: dict[str, tuple[Use, ...]]
    stand_ins: dict[str, tuple[str, ...]] = {}  # kind -> the kinds that can stand for it
