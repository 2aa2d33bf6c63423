"""What other units of the scan say: exports, outputs of other states, and what is kept in stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kmsguard.kinds.draft import FOREIGN, differ
from kmsguard.kinds.mapping import follow
from kmsguard.kinds.table import STORES
from kmsguard.model.declaration import Unit
from kmsguard.model.value import ABSENT, Choice, Fragment, Target, Text, Unknown, Value

if TYPE_CHECKING:
    from kmsguard.kinds.links import Links

MAX_CROSSINGS = 20  # from unit to unit; more is a circle


class Elsewhere:
    """What is looked up in all units, as a value of the unit that asks."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self._exports: dict[str, list[tuple[Unit, Value]]] | None = None
        self._crossings = 0

    def stored(self, unit: str, store: str, name: str) -> Value | None:
        """What a store holds under a name, where one resource of the scan says it, and it is a reference or an ARN.

        Any other text stays a reference: it may be another one by the time that it is read.
        """
        here = self.links.drafts.units[unit]
        found = [
            (draft, attribute)
            for draft, attribute in self.links.drafts.stored.get(store, ())
            if not differ(here.account, draft.unit.account)
            and not differ(here.region, draft.unit.region)
            and self.links.value(draft, "name").text == name
        ]
        if len(found) != 1 or self._crossings >= MAX_CROSSINGS:
            return None
        draft, attribute = found[0]
        self._crossings += 1
        value = self.links.value(draft, attribute)
        self._crossings -= 1
        text = value.text
        if value.data is ABSENT or (text is not None and not text.startswith(("arn:", "alias/"))):
            return None
        return value if draft.unit.path == unit else self._carried(value, draft.unit.path, same_place=True)

    def found(self, unit: str, target: Target) -> Value | None:
        """What a CloudFormation export or an output of another root module is, where the scan holds it once."""
        if self._crossings >= MAX_CROSSINGS:
            return None
        found = self._imports(unit, target)
        if found is None:
            return None
        other, value = found
        self._crossings += 1
        value = self.links.canonical(value, other.path)
        self._crossings -= 1
        same_place = target.address.startswith("export:")  # exports are known in one account and Region only
        return self._carried(value, other.path, same_place=same_place)

    def _imports(self, unit: str, target: Target) -> tuple[Unit, Value] | None:
        prefix, _, name = target.address.partition(":")
        here = self.links.drafts.units[unit]
        if prefix == "export":
            if self._exports is None:
                self._exports = {}
                for other in self.links.drafts.units.values():
                    for export in other.exports:
                        if export.name.text is not None:
                            self._exports.setdefault(export.name.text, []).append((other, export.value))
            found = [
                (other, value)
                for other, value in self._exports.get(name, [])
                if not differ(here.account, other.account) and not differ(here.region, other.region)
            ]
        else:
            output, *inside = target.attribute.removeprefix("outputs.").split(".")
            found = []
            state, region, account = _state_of(name, here)
            for other in self.links.drafts.units.values():
                elsewhere = differ(region, other.region) or differ(account, other.account)
                if other.state == state and output in other.outputs and not elsewhere:
                    found.append((other, follow(other.outputs[output], tuple(inside))))
        return found[0] if len(found) == 1 else None

    def _carried(self, value: Value, unit: str, *, same_place: bool) -> Value:
        """A value of another unit as it is here: what is symbolic in it says of which unit it speaks."""
        data = value.data
        if isinstance(data, Unknown):
            target = data.target
            if target is None:
                return _bare(value, data) if isinstance(data, Fragment) else value
            if not target.address:
                foreign = target if same_place else Target(f"{unit}{FOREIGN}", target.attribute)
            elif FOREIGN in target.address or target.address.startswith(ELSEWHERE):
                foreign = target
            else:
                foreign = Target(f"{unit}{FOREIGN}{target.address}", target.attribute)
            return msgspec.structs.replace(value, data=msgspec.structs.replace(data, target=foreign), refs=())
        if type(data) is Text:
            pieces = tuple(self._carried(piece, unit, same_place=same_place) for piece in data.pieces)
            return msgspec.structs.replace(value, data=Text(pieces), refs=())
        if isinstance(data, tuple):
            items = tuple(self._carried(item, unit, same_place=same_place) for item in data)
            return msgspec.structs.replace(value, data=items, refs=())
        if isinstance(data, dict):
            members = {name: self._carried(item, unit, same_place=same_place) for name, item in data.items()}
            return msgspec.structs.replace(value, data=members, refs=())
        if type(data) is Choice:
            branches = tuple(
                msgspec.structs.replace(one, value=self._carried(one.value, unit, same_place=same_place))
                for one in data.branches
            )
            return msgspec.structs.replace(value, data=Choice(branches), refs=())
        return value if not value.refs else msgspec.structs.replace(value, refs=())


ELSEWHERE = ("export:", "state:", *(f"{store}:" for store in STORES))
"""How addresses begin that name what is looked up in all units."""


def _state_of(name: str, here: Unit) -> tuple[str, str | None, str | None]:
    """The state that a name means, with the Region and the account in which it must be; None: wherever that is."""
    if not name.startswith("stack:"):
        return name, None, None
    _, region, account, stack = name.split(":", 3)
    return f"stack:{stack}", region or here.region, None if account == "?" else account or here.account


def _bare(value: Value, data: Unknown) -> Value:
    """A part of a text that another unit knows, as something that is not known here."""
    return value.with_data(Unknown(data.reason, data.reference, not_null=data.not_null))
