"""The graph: defaults, inheritance, what completes another declaration, edges, and what is derived."""

from __future__ import annotations

import pytest
from made_units import choice, declare, one, ref, shown, switch, targets, template, terraform, text, value, var

from kmsguard.kinds.build import build
from kmsguard.kinds.compiling import _Compiler
from kmsguard.kinds.load import load
from kmsguard.kinds.table import KindTable
from kmsguard.model.guard import Atom, Not, World, decide
from kmsguard.model.resource import External, Resource
from kmsguard.model.source import Source
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, Choice, Unknown, Value
from kmsguard.syntax.plain import read_plain


def table(source: str) -> KindTable:
    """The kinds of a text."""
    compiler = _Compiler()
    root, problems = read_plain(Source("kinds.yaml", source))
    assert root is not None
    assert problems == []
    compiler.file("kinds.yaml", root)
    kinds = compiler.table()
    assert compiler.reader.problems == []
    return kinds


def world(**assumed: bool) -> World:
    """A world in which variables have these values."""
    assumptions: World | None = World()
    for name, holds in assumed.items():
        assert assumptions is not None
        assumptions = assumptions.assume(switch(f"var.{name}"), holds)
    assert assumptions is not None
    return assumptions


# --- What every resource has --------------------------------------------------------------------------------------------------


def test_region_and_account() -> None:
    """Region and account are the provider's, else the unit's, else symbolic; an own `region` argument goes before all."""
    unit = terraform(
        declare("aws_kms_key.a", region="eu-west-1", account="111122223333"),
        declare("aws_kms_key.b"),
        declare("aws_kms_key.c", {"region": "us-east-2"}, region="eu-west-1"),
        region="eu-central-1",
    )
    graph = build([unit], load())

    places = {r.address: (shown(r.region), shown(r.account)) for r in graph.resources}  # type: ignore[arg-type]
    assert places == {
        "aws_kms_key.a": ("eu-west-1", "111122223333"),
        "aws_kms_key.b": ("eu-central-1", "${account}"),
        "aws_kms_key.c": ("us-east-2", "${account}"),
    }


def test_partition_follows_the_region() -> None:
    """The partition of an ARN is that of the Region, and open where no Region is given."""
    unit = terraform(
        declare("aws_s3_bucket.cn", {"bucket": "x"}, region="cn-north-1"),
        declare("aws_s3_bucket.gov", {"bucket": "y"}, region="us-gov-west-1"),
        declare("aws_s3_bucket.any", {"bucket": "z"}),
    )
    graph = build([unit], load())

    arns = [shown(r.attributes["arn"]) for r in graph.by_kind["s3.bucket"]]
    assert arns == ["arn:aws-cn:s3:::x", "arn:aws-us-gov:s3:::y", "arn:${partition}:s3:::z"]


def test_unmapped_declaration_is_a_resource() -> None:
    """What no kind describes is a `template.resource`, so that rules over all that is written reach it."""
    graph = build([terraform(declare("aws_unheard_of.a", {"x": 1}), declare("aws_kms_key.k"))], load())

    assert [(r.kind, r.address) for r in graph.resources] == [
        ("template.resource", "aws_unheard_of.a"),
        ("kms.key", "aws_kms_key.k"),
    ]


def test_default_has_a_trail() -> None:
    """A value that AWS gives says so, and a default may name the resource's own account."""
    key = one(build([terraform(declare("aws_kms_key.a"))], load()), "kms.key")

    rotation = key.attribute("rotation", World())
    assert rotation.data is False
    assert rotation.trail is not None
    assert (rotation.trail.what, rotation.trail.name) == ("AWS default", "rotation")
    assert shown(key.attribute("policy", World()).members["Statement"].items[0].members["Principal"]) == {
        "AWS": "arn:${partition}:iam::${account}:root"
    }


def test_default_in_one_branch() -> None:
    """What is absent under a condition has the default under that condition only."""
    unit = terraform(declare("aws_kms_key.a", {"enable_key_rotation": choice("var.x", True, Value(ABSENT))}))
    key = one(build([unit], load()), "kms.key")

    assert key.attribute("rotation", world(x=True)).data is True
    assert key.attribute("rotation", world(x=False)).data is False


# --- Attaching ----------------------------------------------------------------------------------------------------------------

BUCKET = declare("aws_s3_bucket.a", {"bucket": "a"})


def versioning(bucket: object, status: object = "Enabled", name: str = "v", module: str = "", **more: object):
    """A declaration that completes a bucket."""
    return declare(
        f"{module}aws_s3_bucket_versioning.{name}",
        {"bucket": bucket, "versioning_configuration": [{"status": status}]},
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "bucket", [ref("aws_s3_bucket.a.id"), ref("aws_s3_bucket.a.bucket"), "a"], ids=["id", "bucket", "name"]
)
def test_attach(bucket: object) -> None:
    """A declaration completes the one that it names, by reference or by name, and is one of its declarations."""
    graph = build([terraform(BUCKET, versioning(bucket))], load())
    found = one(graph, "s3.bucket")

    status = found.attribute("versioning", World())
    assert status.data == "Enabled"
    assert status.trail is not None
    assert status.trail.what == "attached resource"
    assert [d.address for d in found.declarations] == ["aws_s3_bucket.a", "aws_s3_bucket_versioning.v"]


def test_attach_under_a_condition() -> None:
    """What completes a resource under a condition replaces its attribute under that condition only."""
    graph = build([terraform(BUCKET, versioning("a", exists=switch("var.x")))], load())
    found = one(graph, "s3.bucket")

    assert found.attribute("versioning", world(x=True)).data == "Enabled"
    assert found.attribute("versioning", world(x=False)).data == "Disabled"


def test_attach_that_exists_with_its_resource() -> None:
    """Two declarations that hang on the same condition go together: no branch is left without."""
    bucket = declare("aws_s3_bucket.a", {"bucket": "a"}, exists=switch("var.x"))
    found = one(build([terraform(bucket, versioning("a", exists=switch("var.x")))], load()), "s3.bucket")

    assert found.attributes["versioning"].data == "Enabled"


def test_attach_in_unknown_number_with_its_resource() -> None:
    """Of what there is any number of, for the same reason, each has its own."""
    bucket = declare("aws_s3_bucket.a", exists=Truth.UNKNOWN, reason="for_each = var.names")
    policy = versioning(ref("aws_s3_bucket.a.id"), exists=Truth.UNKNOWN, reason="for_each = var.names")
    found = one(build([terraform(bucket, policy)], load()), "s3.bucket")

    assert found.attributes["versioning"].data == "Enabled"


def test_attach_for_each_of_its_resources() -> None:
    """What iterates over the resources that it completes is there for each of them."""
    bucket = declare("module.m.aws_s3_bucket.a", exists=Truth.UNKNOWN, reason="for_each = var.names")
    policy = versioning(
        ref("module.m.aws_s3_bucket.a.id"), exists=Truth.UNKNOWN, reason="for_each = aws_s3_bucket.a", module="module.m."
    )
    found = one(build([terraform(bucket, policy)], load()), "s3.bucket")

    assert found.attributes["versioning"].data == "Enabled"


def test_attached_declaration_says_all() -> None:
    """What a separate declaration leaves out is not taken from the block that it replaces."""
    inline = {
        "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms", "kms_master_key_id": "alias/x"}]}]
    }
    separate = {"bucket": "a", "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "AES256"}]}]}
    unit = terraform(
        declare("aws_s3_bucket.a", {"bucket": "a", "server_side_encryption_configuration": [inline]}),
        declare("aws_s3_bucket_server_side_encryption_configuration.a", separate),
    )
    found = one(build([unit], load()), "s3.bucket")

    assert found.attribute("encryption", World()).data == "AES256"
    assert found.attribute("key", World()).data is ABSENT


def test_attach_twice() -> None:
    """Where two declarations set the same attribute, which one counts is not known; of exclusive ones each counts."""
    clash = build([terraform(BUCKET, versioning("a"), versioning("a", "Suspended", "w"))], load())
    x = switch("var.x")
    exclusive = build([terraform(BUCKET, versioning("a", exists=x), versioning("a", "Suspended", "w", exists=Not(x)))], load())

    assert isinstance(one(clash, "s3.bucket").attribute("versioning", World()).data, Unknown)
    assert one(exclusive, "s3.bucket").attribute("versioning", world(x=True)).data == "Enabled"
    assert one(exclusive, "s3.bucket").attribute("versioning", world(x=False)).data == "Suspended"


def test_attach_to_one_of_two() -> None:
    """What names one resource or another, depending on a condition, completes each under its condition."""
    other = declare("aws_s3_bucket.b", {"bucket": "b"})
    graph = build([terraform(BUCKET, other, versioning(choice("var.x", "a", "b")))], load())

    for holds in (True, False):
        assumed = world(x=holds)
        statuses = [one(graph, "s3.bucket", f"aws_s3_bucket.{n}").attribute("versioning", assumed).data for n in "ab"]
        assert statuses == (["Enabled", "Disabled"] if holds else ["Disabled", "Enabled"])


def test_attach_to_what_is_not_known() -> None:
    """What perhaps names a resource of the unit makes it unknown in those attributes, and in no others."""
    graph = build([terraform(BUCKET, versioning(var("var.bucket")))], load())
    found = one(graph, "s3.bucket")

    status = found.attribute("versioning", World())
    assert isinstance(status.data, Unknown)
    assert status.data.reference == "var.bucket"
    assert found.attribute("encryption", World()).data == "AES256"


@pytest.mark.parametrize(
    "bucket",
    [
        "other",
        ref("data.aws_s3_bucket.x.id"),
        ref("aws_s3_directory_bucket.d.id"),
        var("var.bucket", prefix="b-"),
        text("app-", var("var.name")),
        var("var.bucket", allowed=("b", "c")),
    ],
    ids=["literal", "data", "other type", "prefix", "text", "allowed"],
)
def test_attach_to_what_is_certainly_elsewhere(bucket: object) -> None:
    """What cannot be the name of a resource of the unit attaches to nothing."""
    unit = terraform(
        BUCKET, versioning(bucket), declare("data.aws_s3_bucket.x", {"bucket": "y"}), declare("aws_s3_directory_bucket.d")
    )
    assert one(build([unit], load()), "s3.bucket").attribute("versioning", World()).data == "Disabled"


def test_attach_to_what_aws_names() -> None:
    """A name that AWS makes up cannot be given from outside beforehand."""
    unit = terraform(declare("aws_s3_bucket.a"), versioning(var("var.bucket")))
    assert one(build([unit], load()), "s3.bucket").attribute("versioning", World()).data == "Disabled"


def test_attach_by_an_expression_over_resources() -> None:
    """What was taken from some resources, by an expression that is not decided, means one of those."""
    bucket = Value(Unknown("element of an unknown index", "var.i"), refs=ref("aws_s3_bucket.a.id").refs)
    other = declare("aws_s3_bucket.b", {"bucket": "b"})
    graph = build([terraform(BUCKET, other, versioning(bucket))], load())

    assert isinstance(one(graph, "s3.bucket", "aws_s3_bucket.a").attribute("versioning", World()).data, Unknown)
    assert one(graph, "s3.bucket", "aws_s3_bucket.b").attribute("versioning", World()).data == "Disabled"


def test_adds_keeps_what_is_known() -> None:
    """A policy that is perhaps added to a role leaves the others, and an unknown one beside them."""
    unit = terraform(
        declare("aws_iam_role.r", {"name": "r"}),
        declare("aws_iam_role_policy.p", {"role": ref("aws_iam_role.r.id"), "policy": {"Statement": []}}),
        declare("aws_iam_role_policy.q", {"role": var("var.role"), "policy": {"Statement": [1]}}),
        declare("aws_iam_role_policy.s", {"role": "r", "policy": {"Statement": [2]}}, exists=switch("var.x")),
    )
    role = one(build([unit], load()), "iam.role")

    policies = role.attributes["inline_policies"].items
    assert shown(policies[0]) == {"Statement": []}
    assert isinstance(policies[1].data, Unknown)
    assert isinstance(policies[2].data, Choice)


def test_attach_to_each_of_a_list() -> None:
    """A policy that lists roles is added to each of them."""
    unit = template(
        declare("A", type_="AWS::IAM::Role"),
        declare("B", {"RoleName": "b"}, type_="AWS::IAM::Role"),
        declare("P", {"Roles": [ref("A.Ref"), "b"], "PolicyDocument": {}}, type_="AWS::IAM::Policy"),
    )
    graph = build([unit], load())

    assert [len(r.attributes["inline_policies"].items) for r in graph.by_kind["iam.role"]] == [1, 1]


def test_managed_policy_is_resource_and_attachment() -> None:
    """A managed policy that names a role is a resource of its own, and the role has an edge to it."""
    unit = template(
        declare("A", type_="AWS::IAM::Role"),
        declare("P", {"Roles": [ref("A.Ref")], "PolicyDocument": {}}, type_="AWS::IAM::ManagedPolicy"),
    )
    graph = build([unit], load())

    assert targets(graph, one(graph, "iam.role"), "managed") == ["P"]


# --- each ---------------------------------------------------------------------------------------------------------------------


def test_each_under_conditions() -> None:
    """Each element of a list is a resource, which exists where its element is there."""
    rules = choice("var.x", [{"id": "one"}], [{"id": "two"}, choice("var.y", {"id": "three"}, Value(ABSENT))])
    unit = terraform(declare("aws_s3_bucket_replication_configuration.r", {"bucket": "b", "role": "r", "rule": rules}))
    found = build([unit], load()).by_kind["s3.replication"]

    assert [r.attribute("id", World()).data for r in found] == ["one", "two", "three"]
    assert [decide(r.exists, world(x=False, y=True)) for r in found] == [Truth.NO, Truth.YES, Truth.YES]
    assert [decide(r.exists, world(x=False, y=False)) for r in found] == [Truth.NO, Truth.YES, Truth.NO]
    assert {r.address for r in found} == {"aws_s3_bucket_replication_configuration.r"}
    assert [r.attribute("source", World()).data for r in found] == ["b"] * 3


def test_each_of_an_unknown_list() -> None:
    """Of a list that is not known there may be any number of elements, about which nothing is known."""
    unit = terraform(declare("aws_s3_bucket_replication_configuration.r", {"bucket": "b", "rule": var("var.rules")}))
    found = build([unit], load()).by_kind["s3.replication"]

    assert [r.exists for r in found] == [Truth.UNKNOWN]
    assert isinstance(found[0].attribute("enabled", World()).data, Unknown)


# --- Inheritance --------------------------------------------------------------------------------------------------------------


def test_inherited_through_a_choice_of_ends() -> None:
    """What is inherited hangs on the same condition as the edge."""
    unit = terraform(
        declare("aws_kms_key.a", {"multi_region": True, "enable_key_rotation": True}),
        declare("aws_kms_key.b", {"multi_region": True}),
        declare(
            "aws_kms_replica_key.r", {"primary_key_arn": choice("var.x", ref("aws_kms_key.a.arn"), ref("aws_kms_key.b.arn"))}
        ),
    )
    replica = one(build([unit], load()), "kms.key", "aws_kms_replica_key.r")

    assert replica.attribute("rotation", world(x=True)).data is True
    assert replica.attribute("rotation", world(x=False)).data is False


def test_inherited_says_from_where() -> None:
    """A value that was inherited leads to where it is written."""
    unit = terraform(
        declare("aws_kms_key.a", {"enable_key_rotation": True}),
        declare("aws_kms_replica_key.r", {"primary_key_arn": ref("aws_kms_key.a.arn")}),
    )
    rotation = one(build([unit], load()), "kms.key", "aws_kms_replica_key.r").attribute("rotation", World())

    assert rotation.trail is not None
    assert (rotation.trail.what, rotation.trail.name) == ("inherited", "aws_kms_key.a")


def test_inheritance_in_a_circle() -> None:
    """Two keys that name each other as primary know nothing of each other."""
    unit = terraform(
        declare("aws_kms_replica_key.a", {"primary_key_arn": ref("aws_kms_replica_key.b.arn")}),
        declare("aws_kms_replica_key.b", {"primary_key_arn": ref("aws_kms_replica_key.a.arn")}),
    )
    graph = build([unit], load())

    for resource in graph.by_kind["kms.key"]:
        assert isinstance(resource.attribute("rotation", World()).data, Unknown)


# --- Derived attributes -------------------------------------------------------------------------------------------------------

CIRCLE = """
box:
  title: A box
  links: [https://docs.aws.amazon.com/]
  attributes:
    inner: {type: ref, to: box}
    wanted: {type: bool}
    closed: {derive: {any: [{wanted: true}, {edge: {name: inner, some: {closed: true}}}]}}
    shut: {type: bool, inherit: inner.closed, default: false}
  identity: {made_up: [id], names: [id], terraform: {id: id}}
  from:
    box: {inner: inner, wanted: wanted}
  edges:
    inner: {by: inner, to: box}
"""


def test_derived() -> None:
    """A derived attribute follows edges, as far as they go."""
    unit = terraform(
        declare("box.a", {"inner": ref("box.b.id")}),
        declare("box.b", {"inner": ref("box.c.id")}),
        declare("box.c", {"wanted": True}),
        declare("box.d"),
    )
    graph = build([unit], table(CIRCLE))

    closed = {r.address: r.attribute("closed", World()).data for r in graph.resources}
    assert closed == {"box.a": True, "box.b": True, "box.c": True, "box.d": False}
    assert one(graph, "box", "box.a").attribute("shut", World()).data is True
    assert one(graph, "box", "box.d").attribute("shut", World()).data is False


def test_derived_in_a_circle() -> None:
    """A derived attribute that hangs on itself is not known; where something decides it all the same, it is."""
    unit = terraform(
        declare("box.a", {"inner": ref("box.b.id")}),
        declare("box.b", {"inner": ref("box.a.id")}),
        declare("box.c", {"inner": ref("box.c.id"), "wanted": True}),
    )
    graph = build([unit], table(CIRCLE))

    assert isinstance(one(graph, "box", "box.a").attribute("closed", World()).data, Unknown)
    assert one(graph, "box", "box.c").attribute("closed", World()).data is True
    # asking again gives the same: nothing of the first question is left
    assert isinstance(one(graph, "box", "box.b").attribute("closed", World()).data, Unknown)


def test_derived_under_a_condition() -> None:
    """A derived attribute of an undecided one is decided by the same condition."""
    unit = terraform(declare("aws_ebs_volume.v", {"encrypted": choice("var.x", True, False)}))
    volume = one(build([unit], load()), "ebs.volume")

    assert volume.attribute("encrypted", world(x=True)).data is True
    assert volume.attribute("encrypted", world(x=False)).data is False


# --- Edges --------------------------------------------------------------------------------------------------------------------


def test_edge_for_each_branch() -> None:
    """A reference that hangs on a condition is one edge for each of its branches, with its guard."""
    unit = terraform(
        declare("aws_kms_key.a"),
        declare("aws_s3_bucket.b", {"bucket": "b"}),
        declare(
            "aws_s3_bucket_server_side_encryption_configuration.b",
            {
                "bucket": ref("aws_s3_bucket.b.id"),
                "rule": [
                    {
                        "apply_server_side_encryption_by_default": [
                            {
                                "sse_algorithm": "aws:kms",
                                "kms_master_key_id": choice("var.x", ref("aws_kms_key.a.arn"), "alias/z"),
                            }
                        ]
                    }
                ],
            },
        ),
    )
    graph = build([unit], load())
    edges = graph.out(one(graph, "s3.bucket"), "encrypted_with")

    assert targets(graph, one(graph, "s3.bucket"), "encrypted_with") == ["aws_kms_key.a", "<alias/z>"]
    assert [decide(edge.guard, world(x=True)) for edge in edges] == [Truth.YES, Truth.NO]


def test_no_edge_without_a_value() -> None:
    """What is not written, or empty, makes no edge; what is not known makes one to something not known."""
    unit = terraform(
        declare("aws_sqs_queue.none"),
        declare("aws_sqs_queue.empty", {"kms_master_key_id": ""}),
        declare("aws_sqs_queue.unknown", {"kms_master_key_id": var("var.key")}),
    )
    graph = build([unit], load())

    ends = {r.address: targets(graph, r, "encrypted_with") for r in graph.resources}
    assert ends == {"aws_sqs_queue.none": [], "aws_sqs_queue.empty": [], "aws_sqs_queue.unknown": ["<?>"]}


def test_edge_by_tags() -> None:
    """A lifecycle policy leads to the volumes that carry one of its tags; to those whose tags are not known, perhaps."""
    unit = terraform(
        declare("aws_ebs_volume.yes", {"tags": {"Backup": "daily"}}),
        declare("aws_ebs_volume.no", {"tags": {"Backup": "never"}}),
        declare("aws_ebs_volume.maybe", {"tags": var("var.tags")}),
        declare("aws_ebs_volume.open", {"tags": {"Backup": var("var.backup")}}),
        declare("aws_dlm_lifecycle_policy.p", {"policy_details": [{"target_tags": {"Backup": "daily"}}]}),
    )
    graph = build([unit], load())
    edges = graph.out(one(graph, "dlm.policy"), "targets")

    assert [(edge.target.address, edge.guard) for edge in edges if isinstance(edge.target, Resource)] == [
        ("aws_ebs_volume.yes", Truth.YES),
        ("aws_ebs_volume.open", Truth.UNKNOWN),
        ("aws_ebs_volume.maybe", Truth.UNKNOWN),
    ]


def test_edge_by_region() -> None:
    """A setting of a Region leads to what is in it, and in the same account."""
    unit = terraform(
        declare("aws_ebs_encryption_by_default.here", region="eu-west-1"),
        declare("aws_ebs_volume.here", region="eu-west-1"),
        declare("aws_ebs_volume.there", region="us-east-1"),
        declare("aws_ebs_volume.other", region="eu-west-1", account="444455556666"),
    )
    graph = build([unit], load())

    encrypted = {r.address: r.attribute("encrypted", World()).data for r in graph.by_kind["ebs.volume"]}
    assert encrypted == {"aws_ebs_volume.here": True, "aws_ebs_volume.there": False, "aws_ebs_volume.other": False}


def test_edge_to_all_of_one_declaration() -> None:
    """A reference to a declaration that is several resources means all of them."""
    unit = terraform(
        declare(
            "aws_imagebuilder_distribution_configuration.d",
            {"name": "d", "distribution": [{"region": "eu-west-1"}, {"region": "us-east-1"}]},
        ),
        declare(
            "aws_imagebuilder_image_pipeline.p",
            {"distribution_configuration_arn": ref("aws_imagebuilder_distribution_configuration.d.arn")},
        ),
    )
    graph = build([unit], load())

    edges = graph.out(one(graph, "imagebuilder.pipeline"), "distribution")
    assert [shown(edge.target.region) for edge in edges if isinstance(edge.target, Resource)] == ["eu-west-1", "us-east-1"]  # type: ignore[arg-type]


def test_kind_of_what_lies_outside() -> None:
    """Of several kinds, what lies outside is of the one whose service its ARN names."""
    unit = terraform(
        declare(
            "aws_lambda_function.f",
            {"function_name": "f", "dead_letter_config": [{"target_arn": "arn:aws:sns:us-east-1:111122223333:failed"}]},
        )
    )
    graph = build([unit], load())
    [edge] = graph.out(one(graph, "lambda.function"), "dead_letter")

    assert isinstance(edge.target, External)
    assert edge.target.kind == "sns.topic"


def test_problems_of_embedded_documents() -> None:
    """A policy that is no JSON is a problem of the graph, with its place, told once."""
    unit = terraform(declare("aws_kms_key.a", {"policy": "{"}))
    problems = build([unit], load()).problems

    assert [(problem.file, problem.line) for problem in problems] == [("main.tf", 1)]


def test_secrets_of_a_resource() -> None:
    """A resource tells which of its attributes are secrets."""
    unit = terraform(declare("aws_db_instance.d", {"password": "x"}))
    assert one(build([unit], load()), "rds.instance").secrets == ("password",)


def test_atoms_of_other_subjects_do_not_meet() -> None:
    """A resource that exists under one condition and a value under another are judged in all combinations."""
    unit = terraform(
        declare("aws_kms_key.a", {"is_enabled": choice("var.y", True, False)}, exists=Atom("u", "var.x", True, (True, False)))
    )
    key = one(build([unit], load()), "kms.key")

    assert decide(key.exists, world(x=False)) is Truth.NO
    assert key.attribute("enabled", world(y=False)).data is False


@pytest.mark.parametrize("count", [200, 800])
def test_cost_is_linear(count: int) -> None:
    """Building looks everything up: the work for four times as many resources is some four times as much, not sixteen."""
    declarations = []
    for number in range(count):
        name = f"b{number}"
        declarations += [
            declare(f"aws_s3_bucket.{name}", {"bucket": name}),
            versioning(ref(f"aws_s3_bucket.{name}.id"), name=name),
            declare(f"aws_kms_alias.{name}", {"name": f"alias/{name}", "target_key_id": ref(f"aws_kms_key.{name}.key_id")}),
            declare(f"aws_kms_key.{name}"),
            declare(f"aws_sqs_queue.{name}", {"kms_master_key_id": f"alias/{name}"}),
        ]
    calls = _count_calls(lambda: build([terraform(*declarations)], load()))

    assert calls / count < 2500


def _count_calls(function) -> int:
    """How many Python functions are called: a measure of work that does not hang on the machine."""
    import sys

    counted = 0

    def profile(_frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return counted


def test_value_is_used() -> None:
    """The hand-made values of these tests have places, as those of a front end do."""
    assert value({"a": 1}).members["a"].place is not None
