"""What the data of a volume, snapshot, image or database is encrypted with, followed to where it is decided.

https://docs.aws.amazon.com/ebs/latest/userguide/encryption-examples.html (the table of outcomes),
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html and
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIEncryption.html say what each copy is under when no key is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from kmsguard.model.finding import Open
from kmsguard.model.guard import decide
from kmsguard.model.resource import Edge, External, Resource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import NOTHING, Absent, Unknown, Value, resolve
from kmsguard.rules.checks.access import Access

AWS_IMAGE = ":aws:image/"


class Content(msgspec.Struct, frozen=True, eq=False):
    """Some data and what it is under.

    `holder` is the resource that decides it. `key` None with `encrypted` YES: the key that the service takes when none is
    named, which is that of AWS. With `encrypted` UNKNOWN `open` says what would decide it.
    """

    encrypted: Truth
    holder: Resource
    key: Resource | External | None = None
    where: Span | None = None
    open: tuple[Open, ...] = ()
    copied: bool = False  # the key of AWS is that of a copy


def contents(access: Access, resource: Resource) -> list[Content]:
    """What all the data of a resource is under.

    Raises:
        UndecidedError: where the world does not decide it.
    """
    return _Following(access, frozenset()).of(resource)


class _Following:
    def __init__(self, access: Access, seen: frozenset[int]) -> None:
        self.access = access
        self.seen = seen

    def of(self, end: Resource | External, user: Resource | None = None) -> list[Content]:
        """The contents of an end; `user` is the resource that leads there."""
        if isinstance(end, External):
            assert user is not None
            return [_open(user, _name(end), "how it is encrypted is not known here")]
        if id(end) in self.seen or end.kind not in _READERS:
            return [_open(user or end, end.address, "how it is encrypted is not known here")]
        return _READERS[end.kind](_Following(self.access, self.seen | {id(end)}), end)

    def ends(self, resource: Resource, *edges: str) -> list[Content]:
        """The contents of the ends of some edges."""
        found: list[Content] = []
        for edge in edges:
            for end, there in self.access.ends(resource, edge):
                if there is Truth.YES:
                    found += self.of(end, resource)
                else:
                    found.append(_open(resource, _name(end), "whether it is this one is not known"))
        return found

    def written(self, resource: Resource, name: str) -> Value:
        """An attribute that is written, not taken over from elsewhere."""
        return resolve(resource.attributes.get(name, NOTHING), self.access.world)

    def own_key(self, resource: Resource) -> list[Content]:
        """The key that is written; of nothing where none is."""
        key = self.written(resource, "key")
        if _is_nothing(key):
            return []
        return [self.under(resource, end, there, key) for end, there in self.access.ends(resource, "encrypted_with")]

    def under(self, resource: Resource, end: Resource | External, there: Truth, key: Value) -> Content:
        """Data under the key that an edge leads to."""
        if there is not Truth.YES:
            return _open(resource, _name(end), "whether it is under this key is not known", key.where)
        return Content(Truth.YES, resource, end, key.where)

    def default(self, resource: Resource, where: Span | None = None, *, copied: bool = False) -> list[Content]:
        """Under the Region's default key of EBS: what `aws_ebs_default_kms_key` says, else the key of AWS."""
        found: list[Content] = []
        for setting, there in self.access.ends(resource, "default_key"):
            if isinstance(setting, Resource) and there is Truth.YES:
                key = self.access.value(setting, "key")
                found += [self.under(setting, end, yes, key) for end, yes in self.access.ends(setting, "key")]
        return found or [Content(Truth.YES, resource, None, where, copied=copied)]

    def by_default(self, resource: Resource) -> Truth:
        """Whether the Region encrypts what says nothing. Where no setting is in the scan, AWS's own default: no."""
        truth = Truth.NO
        for setting, there in self.access.ends(resource, "default_encryption"):
            if isinstance(setting, Resource):
                truth = truth | (there & _bool(self.access.value(setting, "enabled")))
        return truth

    def asked(self, resource: Resource, asked: Value, *, copied: bool = False) -> list[Content]:
        """What is encrypted if the template, or the Region's setting, says so."""
        truth = _bool(asked) | self.by_default(resource)
        if truth is Truth.YES:
            return self.default(resource, asked.where, copied=copied)
        if truth is Truth.UNKNOWN:
            return [_open(resource, _reference(asked), "whether it is encrypted is not known", asked.where)]
        return [Content(Truth.NO, resource, where=asked.where)]

    def taken_over(self, resource: Resource, inner: Iterable[Content], asked: Value, *, same_key: bool) -> list[Content]:
        """What is made of other data.

        Unencrypted data gets what is asked, encrypted data stays under its key or comes under the default key.
        """
        found: list[Content] = []
        for content in inner:
            if content.encrypted is Truth.NO:
                found += self.asked(resource, asked, copied=True)
            elif not same_key and (content.encrypted | _bool(asked)) is Truth.YES:
                found += self.default(resource, asked.where, copied=True)
            else:
                found.append(content)
        return found

    # Kinds

    def volume(self, resource: Resource) -> list[Content]:
        own = self.own_key(resource)
        if own:
            return own
        asked = self.written(resource, "requested")
        inner = [
            (content, self.is_foreign(resource, edge))
            for edge in ("snapshot", "source_volume")
            for content in self.ends(resource, edge)
        ]
        if not inner:
            return self.asked(resource, asked)
        found: list[Content] = []
        for content, foreign in inner:
            found += self.taken_over(resource, [content], asked, same_key=not foreign)
        return found

    def snapshot(self, resource: Resource) -> list[Content]:
        own = self.own_key(resource)
        if own:
            return own
        inner = self.ends(resource, "volume")
        return inner or self.asked(resource, self.written(resource, "encrypted"))

    def snapshot_copy(self, resource: Resource) -> list[Content]:
        own = self.own_key(resource)
        if own:
            return own
        asked = self.written(resource, "requested")
        inner = self.ends(resource, "source")
        return self.taken_over(resource, inner, asked, same_key=False) if inner else self.asked(resource, asked, copied=True)

    def image(self, resource: Resource) -> list[Content]:
        own = self.own_key(resource)
        if own:
            return own
        asked = self.written(resource, "requested")
        if self.access.value(resource, "copy").data is True:
            if _bool(asked) is Truth.YES:
                return self.default(resource, asked.where, copied=True)
            same = not self.is_foreign(resource, "source") and not self.is_elsewhere(resource, "source")
            return self.taken_over(resource, self.ends(resource, "source"), asked, same_key=same)
        return self.ends(resource, "snapshots", "source_instance")

    def disks(self, resource: Resource) -> list[Content]:
        """The disks of an instance, launch template or recipe. What says nothing of itself is as the image is."""
        image = self.ends(resource, "image")
        devices = self.access.value(resource, "devices")
        if isinstance(devices.data, Unknown):
            return [_open(resource, _reference(devices), devices.data.reason, devices.where)]
        found: list[Content] = []
        rooted = False
        for device in devices.items:
            rooted = rooted or _bool(device.members.get("root", NOTHING)) is Truth.YES
            found += self.disk(resource, device)
        parent = self.access.value(resource, "parent") if "parent" in resource.attributes else NOTHING
        if image and not rooted:
            found += [content for content in image if content.encrypted is not Truth.NO]
        elif not found and not _is_nothing(parent) and AWS_IMAGE not in (parent.text or ""):
            found.append(
                _open(resource, parent.text or _reference(parent), "how it is encrypted is not known here", parent.where)
            )
        return found or self.asked(resource, NOTHING)

    def disk(self, resource: Resource, device: Value) -> list[Content]:
        key, asked = device.members.get("key", NOTHING), device.members.get("encrypted", NOTHING)
        if not _is_nothing(key):
            edge = self.edge(resource, "device_keys", key)
            if edge is None:
                return [_open(resource, _reference(key), "the key is not known", key.where)]
            return [self.under(resource, edge.target, Truth.YES, key)]
        snapshot = device.members.get("snapshot", NOTHING)
        if not _is_nothing(snapshot):
            edge = self.edge(resource, "device_snapshots", snapshot)
            if edge is not None:
                return self.taken_over(resource, self.of(edge.target, resource), asked, same_key=True)
        return self.asked(resource, asked)

    def edge(self, resource: Resource, name: str, value: Value) -> Edge | None:
        """The edge that a member of a list makes."""
        for edge in self.access.graph.out(resource, name):
            there = decide(edge.guard, self.access.world)
            if there is Truth.YES and edge.by.where == value.where and edge.by.span == value.span:
                return edge
        return None

    def database(self, resource: Resource) -> list[Content]:
        """RDS: what its snapshots, copies and clusters are under, they say themselves."""
        encrypted, key = self.access.value(resource, "encrypted"), self.access.value(resource, "key")
        truth = _bool(encrypted)
        if not _is_nothing(key) and truth is not Truth.NO:
            ends = self.access.ends(resource, "encrypted_with")
            if ends:
                return [self.under(resource, end, there, key) for end, there in ends]
            return [_open(resource, _reference(key), "the key is not known", key.where)]
        if truth is Truth.UNKNOWN:
            return [_open(resource, _reference(encrypted), "whether it is encrypted is not known", encrypted.where)]
        return [Content(truth, resource, None, encrypted.where)]

    def distribution(self, resource: Resource) -> list[Content]:
        """Images are under the key of the distribution, else under those of the recipe's disks."""
        own = self.own_key(resource)
        copied = self.access.value(resource, "target_accounts").data
        if own and (isinstance(copied, Absent) or copied == ()):
            return own
        # Whoever gets a copy of its own reads the image as it was built: both keys count.
        found: list[Content] = [*own]
        for pipeline, _ in self.access.sources(resource, "distribution", "imagebuilder.pipeline"):
            for content in self.ends(pipeline, "recipe"):
                elsewhere = _differ(pipeline.region, resource.region)
                if content.encrypted is Truth.YES and elsewhere and not own:
                    found += self.default(resource, copied=True)
                else:
                    found.append(content)
        return found or [_open(resource, resource.address, "no pipeline in the scan says what the images are made of")]

    def lifecycle(self, resource: Resource) -> list[Content]:
        tags = self.access.value(resource, "target_tags")
        shown = ", ".join(f"{name}={value.text or '…'}" for name, value in tags.members.items())
        return self.ends(resource, "targets") or [
            _open(resource, f"tags {shown}", "no volume in the scan carries them, so what is shared is not known", tags.where)
        ]

    def is_foreign(self, resource: Resource, edge: str) -> bool:
        """Whether what it is made of certainly is another account's."""
        return any(
            isinstance(end, Resource) and _differ(end.account, resource.account) for end, _ in self.access.ends(resource, edge)
        )

    def is_elsewhere(self, resource: Resource, edge: str) -> bool:
        """Whether what it is made of certainly is in another Region."""
        return any(
            isinstance(end, Resource) and _differ(end.region, resource.region) for end, _ in self.access.ends(resource, edge)
        )


_READERS: dict[str, Callable[[_Following, Resource], list[Content]]] = {
    "ebs.volume": _Following.volume,
    "ebs.snapshot": _Following.snapshot,
    "ebs.snapshot_copy": _Following.snapshot_copy,
    "ec2.ami": _Following.image,
    "ec2.instance": _Following.disks,
    "ec2.launch_template": _Following.disks,
    "imagebuilder.recipe": _Following.disks,
    "imagebuilder.distribution": _Following.distribution,
    "dlm.policy": _Following.lifecycle,
    "rds.instance": _Following.database,
    "rds.cluster": _Following.database,
    "rds.snapshot": _Following.database,
    "rds.snapshot_copy": _Following.database,
    "rds.cluster_snapshot": _Following.database,
    "rds.cluster_snapshot_copy": _Following.database,
}


def _open(resource: Resource, reference: str, message: str, where: Span | None = None) -> Content:
    return Content(Truth.UNKNOWN, resource, where=where, open=(Open(reference, message),))


def _bool(value: Value) -> Truth:
    if isinstance(value.data, Unknown):
        return Truth.UNKNOWN
    return Truth.of(value.data is True or value.text == "true")


def _is_nothing(value: Value) -> bool:
    return isinstance(value.data, Absent) or value.data is None or value.text == ""


def _differ(one: Value | None, other: Value | None) -> bool:
    return one is not None and other is not None and None not in (one.text, other.text) and one.text != other.text


def _name(end: Resource | External) -> str:
    return end.address if isinstance(end, Resource) else end.value.text or _reference(end.value)


def _reference(value: Value) -> str:
    for part in value.walk():
        if isinstance(part.data, Unknown):
            return part.data.reference or part.data.reason
    return value.text or "a value that is not known"
