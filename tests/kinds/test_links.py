"""References: by address, name, alias and ARN, within a unit and between units; and what becomes of texts with them."""

from __future__ import annotations

import msgspec
import pytest
from made_units import HERE, choice, declare, one, ref, shown, switch, targets, template, terraform, text, value, var

from kmsguard.kinds.build import build
from kmsguard.kinds.load import load
from kmsguard.model.declaration import Export, Unit
from kmsguard.model.guard import Not, World
from kmsguard.model.resource import Graph
from kmsguard.model.source import Span
from kmsguard.model.value import ACCOUNT, REGION, Fragment, Target, Unknown, Value

ACCOUNT_HOLE = Value(Unknown("the account is not given", "--account", ACCOUNT, not_null=True))
REGION_HOLE = Value(Unknown("the Region is not given", "--region", REGION, not_null=True))


def queue_key(key: object, *others, **fields) -> list[str]:
    """Where a queue's key leads."""
    graph = build([terraform(declare("aws_sqs_queue.q", {"kms_master_key_id": key}), *others, **fields)], load())
    return targets(graph, one(graph, "sqs.queue"), "encrypted_with")


KEY = declare("aws_kms_key.k")
ALIAS = declare("aws_kms_alias.a", {"name": "alias/app", "target_key_id": ref("aws_kms_key.k.key_id")})


@pytest.mark.parametrize(
    "key",
    [
        ref("aws_kms_key.k.arn"),
        ref("aws_kms_key.k.key_id"),
        ref("aws_kms_key.k.id"),
        ref("aws_kms_alias.a.arn"),
        ref("aws_kms_alias.a.name"),
        ref("aws_kms_alias.a.target_key_arn"),
        ref("aws_kms_alias.a.target_key_id"),
        ref("data.aws_kms_key.d.arn"),
        ref("data.aws_kms_alias.d.target_key_arn"),
        ref("data.aws_kms_alias.d.arn"),
        "alias/app",
        text(ref("aws_kms_key.k.arn")),
        text("alias/", choice("var.x", "app", "app")),
        text("arn:aws:kms:", REGION_HOLE, ":", ACCOUNT_HOLE, ":alias/app"),
        text("arn:aws:kms:", REGION_HOLE, ":", ACCOUNT_HOLE, ":key/", ref("aws_kms_key.k.key_id")),
    ],
    ids=lambda key: str(shown(key)) if isinstance(key, Value) else key,
)
def test_spellings_of_a_key(key: object) -> None:
    """However a key of the unit is named, it is that key: directly, by its alias, by what looks one of them up."""
    lookups = (
        declare("data.aws_kms_key.d", {"key_id": "alias/app"}),
        declare("data.aws_kms_alias.d", {"name": "alias/app"}),
    )
    assert set(queue_key(key, KEY, ALIAS, *lookups)) == {"aws_kms_key.k"}


def fragment(of: Value, delimiter: str, index: int | None = None) -> Value:
    """A part of a text that is split."""
    unknown = Fragment("known after deployment", None, not_null=True, of=of, delimiter=delimiter, index=index)
    return Value(unknown, HERE, HERE, refs=of.refs)


@pytest.mark.parametrize(
    "key",
    [
        fragment(ref("K.Arn"), "/", 1),
        fragment(ref("K.Arn"), "key/", 1),
        fragment(fragment(ref("K.Arn"), ":", 5), "/", 1),
        text("arn:aws:kms:eu-west-1:111122223333:key/", fragment(ref("K.Arn"), "/", 1)),
        text("arn:aws:kms:", fragment(ref("K.Arn"), ":", 3), ":", fragment(ref("K.Arn"), ":", 4), ":key/", ref("K.Ref")),
        fragment(fragment(text(ref("K.Arn"), ",", ref("Role.Arn")), ",", 0), "/", 1),
    ],
    ids=range(6),
)
def test_a_part_of_an_arn_is_what_the_shape_of_the_arn_says(key: Value) -> None:
    """`!Select [1, !Split ["/", !GetAtt K.Arn]]` is the id of the key: neither an id nor the account holds a slash."""
    queue = declare("Queue", {"KmsMasterKeyId": key}, type_="AWS::SQS::Queue")
    declared = (declare("K", type_="AWS::KMS::Key"), declare("Role", type_="AWS::IAM::Role"))
    graph = build([template(queue, *declared, region="eu-west-1", account="111122223333")], load())
    assert targets(graph, one(graph, "sqs.queue"), "encrypted_with") == ["K"]


@pytest.mark.parametrize(
    ("of", "delimiter", "index", "found"),
    [
        (ref("Named.Arn"), "/", 1, "?"),  # the name may hold a slash
        (ref("Named.Arn"), ":", 5, "?"),
        (ref("Named.Arn"), ":", 4, "${account}"),
        (ref("Made.Arn"), "/", 1, "${Made.name}"),  # CloudFormation makes names without one
        (ref("Made.Arn"), "-", 0, "?"),
        (ref("Given.Arn"), "/", 2, "app"),
        (ref("Given.Arn"), "/", 3, "?"),  # there are no more
        (ref("Nobody.Arn"), "/", 0, "?"),
    ],
)
def test_parts_that_may_be_longer_stay_open(of: Value, delimiter: str, index: int, found: str) -> None:
    """What may hold the delimiter itself is not taken apart."""
    named = declare("Named", {"RoleName": var("Name")}, type_="AWS::IAM::Role")
    made = declare("Made", type_="AWS::IAM::Role")
    given = declare("Given", {"RoleName": "app", "Path": "/team/"}, type_="AWS::IAM::Role")
    queue = declare("Queue", {"QueueName": fragment(of, delimiter, index)}, type_="AWS::SQS::Queue")
    graph = build([template(queue, named, made, given)], load())
    assert shown(one(graph, "sqs.queue").attributes["name"]) == found


def test_all_parts_of_an_arn() -> None:
    """Without an index it is the list of them."""
    parts = fragment(ref("K.Arn"), ":")
    document = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": parts}]}
    policy = declare("P", {"PolicyDocument": document}, type_="AWS::IAM::ManagedPolicy")
    unit = template(declare("K", type_="AWS::KMS::Key"), policy, region="eu-west-1", account="111122223333")
    found = one(build([unit], load()), "iam.policy").attributes["policy"].members["Statement"].items[0].members["Resource"]
    assert shown(found) == ["arn", "aws", "kms", "eu-west-1", "111122223333", "key/${K.key_id}"]


@pytest.mark.parametrize(
    ("key", "shown_as"),
    [
        ("alias/other", "alias/other"),
        ("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", None),
        (ref("aws_secretsmanager_secret.s.arn"), None),
        (ref("data.aws_kms_key.z.arn"), None),
        (text("arn:aws:kms:", var("var.region"), ":", ACCOUNT_HOLE, ":alias/app"), None),
        (text("arn:aws:kms:", REGION_HOLE, ":", var("var.account"), ":alias/app"), None),
    ],
    ids=["alias", "literal", "other kind", "data", "any region", "any account"],
)
def test_what_is_no_key_of_the_unit(key: object, shown_as: str | None) -> None:
    """What certainly or perhaps lies elsewhere is an end outside, not a key of the unit."""
    found = queue_key(
        key,
        KEY,
        ALIAS,
        declare("aws_secretsmanager_secret.s", {"name": "s"}),
        declare("data.aws_kms_key.z", {"key_id": var("var.z")}),
    )
    assert len(found) == 1
    assert found[0].startswith("<")
    if shown_as is not None:
        assert found == [f"<{shown_as}>"]


def test_lookup_of_what_lies_outside() -> None:
    """A key that is looked up by the alias of an AWS managed key leads to that alias."""
    found = queue_key(ref("data.aws_kms_alias.s.target_key_arn"), declare("data.aws_kms_alias.s", {"name": "alias/aws/sqs"}))

    assert found == ["<alias/aws/sqs>"]


def test_names_are_of_a_region() -> None:
    """Two aliases of one name in two Regions are told apart by where they are asked for."""
    unit = terraform(
        declare("aws_kms_key.east", region="us-east-1"),
        declare("aws_kms_key.west", region="us-west-2"),
        declare("aws_kms_alias.east", {"name": "alias/app", "target_key_id": ref("aws_kms_key.east.id")}, region="us-east-1"),
        declare("aws_kms_alias.west", {"name": "alias/app", "target_key_id": ref("aws_kms_key.west.id")}, region="us-west-2"),
        declare("aws_sqs_queue.east", {"kms_master_key_id": "alias/app"}, region="us-east-1"),
        declare("aws_sqs_queue.west", {"kms_master_key_id": "alias/app"}, region="us-west-2"),
        declare("aws_sqs_queue.south", {"kms_master_key_id": "alias/app"}, region="sa-east-1"),
    )
    graph = build([unit], load())

    ends = {r.address: targets(graph, r, "encrypted_with") for r in graph.by_kind["sqs.queue"]}
    assert ends == {
        "aws_sqs_queue.east": ["aws_kms_key.east"],
        "aws_sqs_queue.west": ["aws_kms_key.west"],
        "aws_sqs_queue.south": ["<alias/app>"],
    }


def test_names_of_roles_are_of_an_account() -> None:
    """A role is found by its name from any Region of its account."""
    unit = terraform(
        declare("aws_iam_role.r", {"name": "worker"}, region="us-east-1"),
        declare("aws_lambda_function.f", {"role": "arn:aws:iam::111122223333:role/worker"}, region="eu-west-1"),
        account="111122223333",
    )
    graph = build([unit], load())

    assert targets(graph, one(graph, "lambda.function"), "role") == ["aws_iam_role.r"]


def test_arn_of_another_account() -> None:
    """An ARN of another account does not name the resource of this one."""
    unit = terraform(
        declare("aws_iam_role.r", {"name": "worker"}),
        declare("aws_lambda_function.f", {"role": "arn:aws:iam::444455556666:role/worker"}),
        account="111122223333",
    )
    graph = build([unit], load())

    assert targets(graph, one(graph, "lambda.function"), "role") == ["<arn:aws:iam::444455556666:role/worker>"]


def test_path_is_part_of_an_arn() -> None:
    """A role's ARN holds its path: without it, it is another role's."""
    role = declare("aws_iam_role.r", {"name": "worker", "path": "/app/"})

    for arn, found in (("role/app/worker", "aws_iam_role.r"), ("role/worker", "<arn:aws:iam::111122223333:role/worker>")):
        function = declare("aws_lambda_function.f", {"role": f"arn:aws:iam::111122223333:{arn}"})
        graph = build([terraform(role, function)], load())
        assert targets(graph, one(graph, "lambda.function"), "role") == [found]


def test_arn_of_something_inside() -> None:
    """An ARN of something inside a bucket, or of a version of a function, leads to the bucket and the function."""
    unit = terraform(
        declare("aws_s3_bucket.b", {"bucket": "copies"}),
        declare(
            "aws_s3_bucket_replication_configuration.r",
            {"bucket": "a", "rule": [{"destination": [{"bucket": "arn:aws:s3:::copies/x/y"}]}]},
        ),
    )
    graph = build([unit], load())

    assert targets(graph, one(graph, "s3.replication"), "destination") == ["aws_s3_bucket.b"]


def test_two_of_one_name() -> None:
    """Of two resources of one name that exclude each other each is meant where it exists; else it is not known which."""
    x = switch("var.x")
    names = {"name": "alias/app", "target_key_id": ref("aws_kms_key.k.id")}
    one_or_other = (declare("aws_kms_alias.a", names, exists=x), declare("aws_kms_alias.b", names, exists=Not(x)))
    both = (declare("aws_kms_alias.a", names), declare("aws_kms_alias.b", names))

    other = declare("aws_kms_key.other", {})
    elsewhere = {**names, "target_key_id": ref("aws_kms_key.other.id")}
    apart = (one_or_other[0], declare("aws_kms_alias.b", elsewhere, exists=Not(x)))

    assert queue_key("alias/app", KEY, *one_or_other) == ["aws_kms_key.k"]
    assert queue_key("alias/app", KEY, other, *apart) == ["aws_kms_key.k", "aws_kms_key.other"]
    assert queue_key("alias/app", KEY, *both) == ["<alias/app>"]


# --- Canonical values ---------------------------------------------------------------------------------------------------------


def policy_resource(unit: Unit, written: object) -> object:
    """What a resource in a policy becomes."""
    policy = declare("aws_iam_policy.p", {"policy": {"Statement": [{"Resource": written}]}})
    graph = build(
        [Unit(unit.path, unit.dialect, (*unit.declarations, policy), account=unit.account, region=unit.region)], load()
    )
    return shown(one(graph, "iam.policy").attributes["policy"].members["Statement"].items[0].members["Resource"])


def test_two_spellings_are_equal() -> None:
    """Two spellings of one thing are one text, inside policies too."""
    unit = terraform(declare("aws_s3_bucket.b", {"bucket": "data"}), region="us-east-1")

    for written in (
        text(ref("aws_s3_bucket.b.arn"), "/*"),
        text("arn:aws:s3:::", ref("aws_s3_bucket.b.id"), "/*"),
        text("arn:aws:s3:::", ref("aws_s3_bucket.b.bucket"), "/*"),
        "arn:aws:s3:::data/*",
    ):
        assert policy_resource(unit, written) == "arn:aws:s3:::data/*"


def test_what_is_made_up_stays_a_hole() -> None:
    """What is known only after creation is a hole that says whose it is, the same one in every spelling."""
    unit = terraform(KEY, ALIAS, account="111122223333", region="us-east-1")
    arn = "arn:aws:kms:us-east-1:111122223333:key/${aws_kms_key.k.key_id}"

    for written in (
        ref("aws_kms_key.k.arn"),
        ref("aws_kms_alias.a.target_key_arn"),
        text("arn:aws:kms:us-east-1:111122223333:key/", ref("aws_kms_key.k.id")),
    ):
        assert policy_resource(unit, written) == arn


def test_names_that_are_variables() -> None:
    """A bucket whose name is a variable without value has one name, whoever spells it."""
    named = Value(Unknown("parameter Name has no value", "Name", Target("Name", "Ref")))
    unit = template(
        declare("B", {"BucketName": named}, type_="AWS::S3::Bucket"),
        declare(
            "P",
            {"PolicyDocument": {"Statement": [{"Resource": [ref("B.Arn"), text("arn:aws:s3:::", named)]}]}},
            type_="AWS::IAM::ManagedPolicy",
        ),
        declare("V", {"Bucket": named, "PolicyDocument": {}}, type_="AWS::S3::BucketPolicy"),
        region="us-east-1",
    )
    graph = build([unit], load())

    resources = one(graph, "iam.policy").attributes["policy"].members["Statement"].items[0].members["Resource"]
    assert shown(resources) == ["arn:aws:s3:::${Name.Ref}"] * 2
    assert shown(one(graph, "s3.bucket").attributes["policy"]) == {}


def test_cloudformation_references() -> None:
    """`Ref` and `GetAtt` return what the kind says that they do."""
    unit = template(
        declare("Role", {"RoleName": "worker"}, type_="AWS::IAM::Role"),
        declare("Topic", {"TopicName": "t"}, type_="AWS::SNS::Topic"),
        declare(
            "P",
            {"PolicyDocument": {"Statement": [{"Resource": [ref("Role.Arn"), ref("Role.Ref"), ref("Topic.Ref")]}]}},
            type_="AWS::IAM::ManagedPolicy",
        ),
        region="us-east-1",
        account="111122223333",
    )
    graph = build([unit], load())
    resources = one(graph, "iam.policy").attributes["policy"].members["Statement"].items[0].members["Resource"]

    assert shown(resources) == [
        "arn:aws:iam::111122223333:role/worker",
        "worker",
        "arn:aws:sns:us-east-1:111122223333:t",
    ]


def test_references_keep_what_they_refer_to() -> None:
    """A text that took a reference's place still says what it refers to, and where it stands."""
    queue = declare("aws_sqs_queue.q", {"kms_master_key_id": ref("aws_kms_key.k.arn")})
    key = one(build([terraform(queue, KEY)], load()), "sqs.queue").attributes["key"]

    assert Target("aws_kms_key.k", "arn") in key.refs
    assert key.span is not None
    assert key.place is not None


def test_replica_shares_its_primarys_id() -> None:
    """A multi-Region replica has the key id of its primary, in its own Region."""
    unit = terraform(
        declare("aws_kms_key.p", {"multi_region": True}, region="us-east-1"),
        declare("aws_kms_replica_key.r", {"primary_key_arn": ref("aws_kms_key.p.arn")}, region="eu-west-1"),
        declare("aws_sqs_queue.q", {"kms_master_key_id": ref("aws_kms_replica_key.r.arn")}, region="eu-west-1"),
        account="111122223333",
    )
    graph = build([unit], load())

    assert shown(one(graph, "kms.key", "aws_kms_replica_key.r").attributes["arn"]) == (
        "arn:aws:kms:eu-west-1:111122223333:key/${aws_kms_key.p.key_id}"
    )
    assert targets(graph, one(graph, "sqs.queue"), "encrypted_with") == ["aws_kms_replica_key.r"]


@pytest.mark.parametrize("primary", [ref("aws_kms_key.p.arn"), "arn:aws:kms:us-east-1:111122223333:alias/app"])
def test_replica_comes_first(primary: object) -> None:
    """It does not matter which of a key and its replica is asked first, nor how the replica names it."""
    unit = terraform(
        declare("aws_kms_replica_key.r", {"primary_key_arn": primary}, region="eu-west-1"),
        declare("aws_kms_alias.a", {"name": "alias/app", "target_key_id": ref("aws_kms_key.p.id")}, region="us-east-1"),
        declare("aws_kms_key.p", region="us-east-1"),
        account="111122223333",
    )
    graph = build([unit], load())

    assert targets(graph, one(graph, "kms.key", "aws_kms_replica_key.r"), "primary") == ["aws_kms_key.p"]
    assert shown(one(graph, "kms.key", "aws_kms_replica_key.r").attributes["key_id"]) == "${aws_kms_key.p.key_id}"


def test_circle_of_names() -> None:
    """Two buckets that are named after each other stay symbolic, and the building ends."""
    unit = terraform(
        declare("aws_s3_bucket.a", {"bucket": text(ref("aws_s3_bucket.b.id"), "-a")}),
        declare("aws_s3_bucket.b", {"bucket": text(ref("aws_s3_bucket.a.id"), "-b")}),
    )
    graph = build([unit], load())

    assert len(graph.by_kind["s3.bucket"]) == 2
    assert all(shown(r.attributes["name"]) for r in graph.by_kind["s3.bucket"])


# --- From unit to unit --------------------------------------------------------------------------------------------------------


def imported(name: str) -> Value:
    """What `Fn::ImportValue` yields."""
    target = Target(f"export:{name}", "")
    return Value(Unknown(f"export {name} of another stack", name, target, not_null=True), refs=(target,))


def exporting(path: str = "keys.yaml", **fields) -> Unit:
    """A template that exports its key."""
    return template(
        declare("Key", type_="AWS::KMS::Key"),
        path=path,
        exports=(Export(value("app-key"), ref("Key.Arn")),),
        **fields,
    )


def importing(**fields) -> Unit:
    """A template that imports a key."""
    return template(
        declare("Queue", {"KmsMasterKeyId": imported("app-key")}, type_="AWS::SQS::Queue"),
        declare("P", {"PolicyDocument": {"Statement": [{"Resource": imported("app-key")}]}}, type_="AWS::IAM::ManagedPolicy"),
        path="app.yaml",
        **fields,
    )


def import_ends(graph: Graph) -> list[str]:
    """Where the imported key leads."""
    return targets(graph, one(graph, "sqs.queue"), "encrypted_with")


def test_import_finds_export() -> None:
    """An imported ARN leads to the key of the other template, and is the same text as that key's ARN."""
    graph = build([exporting(), importing()], load())
    key = one(graph, "kms.key")
    resource = one(graph, "iam.policy").attributes["policy"].members["Statement"].items[0].members["Resource"]

    assert import_ends(graph) == ["Key"]
    assert graph.into(key, "encrypted_with")[0].source.unit == "app.yaml"
    assert shown(resource) == shown(key.attributes["arn"])


def test_import_without_export() -> None:
    """Alone, a template that imports has an end that is not known."""
    assert import_ends(build([importing()], load())) == ["<${export:app-key.}>"]


def test_two_exports_of_one_name() -> None:
    """Where two templates export one name, accounts and Regions decide; where they do not, nothing is linked."""
    east, west = exporting("east.yaml", region="us-east-1"), exporting("west.yaml", region="us-west-2")

    linked = build([east, west, importing(region="us-west-2")], load())
    open_ = build([east, west, importing()], load())

    assert linked.out(one(linked, "sqs.queue"), "encrypted_with")[0].target.unit == "west.yaml"  # type: ignore[union-attr]
    assert import_ends(open_) == ["<${export:app-key.}>"]


def test_logical_ids_of_two_templates_do_not_meet() -> None:
    """Two templates with the same logical ids: what one exports is its own, not its namesake's of the other."""
    namesake = declare("Key", type_="AWS::KMS::Key")
    app = importing()
    graph = build([exporting(), template(*app.declarations, namesake, path="app.yaml")], load())

    [edge] = graph.out(one(graph, "sqs.queue"), "encrypted_with")
    assert edge.target.unit == "keys.yaml"  # type: ignore[union-attr]


def test_state_of_another_root_module() -> None:
    """What `terraform_remote_state` reads are the outputs of the root module whose backend has that key."""
    target = Target("state:s3:states/keys", "key_arn")
    read = Value(Unknown("the state of another root module", "data.terraform_remote_state.k.outputs", target), refs=(target,))
    keys = terraform(
        declare("aws_kms_key.k"),
        path="keys",
        outputs={"key_arn": ref("aws_kms_key.k.arn")},
        state="s3:states/keys",
    )
    app = terraform(declare("aws_sqs_queue.q", {"kms_master_key_id": read}), path="app")
    graph = build([app, keys], load())

    assert targets(graph, one(graph, "sqs.queue"), "encrypted_with") == ["aws_kms_key.k"]


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("state:stack:::Net", ["Key"]),
        ("state:stack:eu-west-1::Net", ["Key"]),
        ("state:stack:us-east-1::Net", ["<${state:stack:us-east-1::Net.outputs.Arn}>"]),
        ("state:stack::?:Net", ["Key"]),
        ("state:stack::444455556666:Net", ["<${state:stack::444455556666:Net.outputs.Arn}>"]),
        ("state:stack:::Other", ["<${state:stack:::Other.outputs.Arn}>"]),
    ],
)
def test_an_output_of_a_stack_by_its_name(target: str, found: list[str]) -> None:
    """`Fn::GetStackOutput` finds the template that is deployed under that name, in that Region and account."""
    place = {"region": "eu-west-1", "account": "111122223333"}
    key = declare("Key", type_="AWS::KMS::Key")
    net = template(key, path="net.json", outputs={"Arn": ref("Key.Arn")}, state="stack:Net", **place)
    held = Value(Unknown("output of another stack", "Net.Arn", Target(target, "outputs.Arn"), not_null=True))
    app = template(declare("Queue", {"KmsMasterKeyId": held}, type_="AWS::SQS::Queue"), path="app.json", **place)
    graph = build([app, net], load())
    assert targets(graph, one(graph, "sqs.queue"), "encrypted_with") == found


def test_literal_arn_of_another_unit() -> None:
    """A literal ARN finds the resource that another unit makes, unless account or Region say otherwise."""
    function = terraform(declare("aws_lambda_function.f", {"role": "arn:aws:iam::111122223333:role/worker"}), path="app")
    found = {}
    for account in (None, "111122223333", "444455556666"):
        roles = terraform(declare("aws_iam_role.r", {"name": "worker"}), path="roles", account=account)
        graph = build([function, roles], load())
        found[account] = targets(graph, one(graph, "lambda.function"), "role")

    assert found == {
        None: ["aws_iam_role.r"],
        "111122223333": ["aws_iam_role.r"],
        "444455556666": ["<arn:aws:iam::111122223333:role/worker>"],
    }


def test_literal_arn_of_one_of_two_units() -> None:
    """Of two units that may be meant the one whose account is given is; if neither is, it is not known which."""
    function = terraform(declare("aws_lambda_function.f", {"role": "arn:aws:iam::111122223333:role/worker"}), path="app")

    def roles(path: str, account: str | None) -> Unit:
        return terraform(declare("aws_iam_role.r", {"name": "worker"}), path=path, account=account)

    certain = build([function, roles("a", None), roles("b", "111122223333")], load())
    open_ = build([function, roles("a", None), roles("b", None)], load())

    assert certain.out(one(certain, "lambda.function"), "role")[0].target.unit == "b"  # type: ignore[union-attr]
    assert targets(open_, one(open_, "lambda.function"), "role") == ["<arn:aws:iam::111122223333:role/worker>"]


def test_bucket_names_are_everywhere() -> None:
    """A bucket's name is unique in all of AWS, so its name alone finds it in another unit; an alias's does not."""
    app = terraform(
        declare(
            "aws_s3_bucket_replication_configuration.r",
            {"bucket": "a", "rule": [{"destination": [{"bucket": "arn:aws:s3:::copies"}]}]},
        ),
        declare("aws_lambda_function.f", {"s3_bucket": "copies"}),
        declare("aws_sqs_queue.q", {"kms_master_key_id": "alias/app"}),
        path="app",
    )
    other = terraform(declare("aws_s3_bucket.b", {"bucket": "copies"}), ALIAS, KEY, path="other")
    graph = build([app, other], load())

    assert targets(graph, one(graph, "s3.replication"), "destination") == ["aws_s3_bucket.b"]
    assert targets(graph, one(graph, "sqs.queue"), "encrypted_with") == ["<alias/app>"]


def test_attaching_stays_in_its_unit() -> None:
    """A policy of one template does not complete the bucket of another one: that one is judged as it stands alone."""
    bucket = template(declare("B", {"BucketName": "b"}, type_="AWS::S3::Bucket"), path="bucket.yaml")
    policy = template(declare("P", {"Bucket": "b", "PolicyDocument": {}}, type_="AWS::S3::BucketPolicy"), path="policy.yaml")
    graph = build([bucket, policy], load())

    assert "policy" not in one(graph, "s3.bucket").attributes


def test_order_of_units_does_not_matter() -> None:
    """The graph is the same whichever unit comes first."""
    forwards = build([exporting(), importing()], load())
    backwards = build([importing(), exporting()], load())

    assert import_ends(forwards) == import_ends(backwards)
    assert shown(one(forwards, "kms.key").attributes["arn"]) == shown(one(backwards, "kms.key").attributes["arn"])


def test_world_is_not_needed_for_edges() -> None:
    """Edges hold no assumption: a world decides their guards later."""
    graph = build(
        [terraform(declare("aws_sqs_queue.q", {"kms_master_key_id": choice("var.x", ref("aws_kms_key.k.arn"), "")}), KEY)],
        load(),
    )
    [edge] = graph.out(one(graph, "sqs.queue"), "encrypted_with")

    assert World().truth(edge.guard).name == "UNKNOWN"


def test_an_export_that_hangs_on_a_condition_stands_where_it_is_imported() -> None:
    """Both outcomes of an exported choice lead to keys of the other template, at the place of the import."""
    there, here = Span("keys.yaml", 6, 1, 6, 9), Span("app.yaml", 3, 1, 3, 9)
    keys = [declare(name, type_="AWS::KMS::Key") for name in ("Key", "Other")]
    exported = choice(
        "E", *(msgspec.structs.replace(ref(f"{one.address}.Arn"), span=there, place=there) for one in keys), unit="keys.yaml"
    )
    other = template(*keys, path="keys.yaml", exports=(Export(value("app-key"), exported),))
    taken = msgspec.structs.replace(imported("app-key"), span=here, place=here)
    namesake = declare("Key", type_="AWS::KMS::Key")
    app = template(namesake, declare("Queue", {"KmsMasterKeyId": taken}, type_="AWS::SQS::Queue"), path="app.yaml")

    graph = build([other, app], load())
    edges = graph.out(one(graph, "sqs.queue"), "encrypted_with")
    assert [(edge.target.unit, edge.target.address) for edge in edges] == [("keys.yaml", "Key"), ("keys.yaml", "Other")]  # type: ignore[union-attr]
    assert {edge.by.where for edge in edges} == {here}


# --- What a store holds -------------------------------------------------------------------------------------------------------


def from_store(name: str) -> Value:
    """What `{{resolve:ssm:…}}` yields."""
    return Value(Unknown("dynamic reference", f"{{{{resolve:ssm:{name}}}}}", Target(f"ssm:{name}", ""), not_null=True))


def storing(held: object, path: str = "keys.yaml", **fields) -> Unit:
    """A template that keeps something in Systems Manager."""
    return template(
        declare("Key", type_="AWS::KMS::Key"),
        declare("Kept", {"Name": "/app/key", "Type": "String", "Value": held}, type_="AWS::SSM::Parameter"),
        path=path,
        **fields,
    )


def reading(name: str = "/app/key", path: str = "app.yaml", **fields) -> Unit:
    """A template whose queue takes its key from Systems Manager."""
    return template(declare("Queue", {"KmsMasterKeyId": from_store(name)}, type_="AWS::SQS::Queue"), path=path, **fields)


STORED_KEY = declare("Key", type_="AWS::KMS::Key")


@pytest.mark.parametrize("held", [ref("Key.Arn"), ref("Key.Ref"), text(ref("Key.Arn"))], ids=["arn", "id", "text"])
def test_a_dynamic_reference_finds_the_parameter_of_another_template(held: object) -> None:
    """What stands in Systems Manager under a name is what the template that makes it writes there."""
    graph = build([storing(held), reading()], load())
    [edge] = graph.out(one(graph, "sqs.queue"), "encrypted_with")
    assert edge.target.unit == "keys.yaml"  # type: ignore[union-attr]
    assert import_ends(graph) == ["Key"]


def test_a_parameter_of_the_same_template() -> None:
    """Also of the own one, by the dynamic reference as by its attribute Value."""
    own = storing(ref("Key.Arn")).declarations
    for key in (from_store("/app/key"), ref("Kept.Value")):
        queue = declare("Queue", {"KmsMasterKeyId": key}, type_="AWS::SQS::Queue")
        assert import_ends(build([template(*own, queue)], load())) == ["Key"]


@pytest.mark.parametrize(
    "units",
    [
        [reading()],
        [storing(ref("Key.Arn")), reading("/app/other")],
        [storing(ref("Key.Arn"), region="us-east-1"), reading(region="us-west-2")],
        [storing(ref("Key.Arn")), storing(ref("Key.Arn"), "more.yaml"), reading()],
        [storing("changed-by-hand"), reading()],
    ],
    ids=["nobody", "another name", "another Region", "two", "a text"],
)
def test_what_a_store_holds_stays_open(units: list[Unit]) -> None:
    """Where nobody, or more than one, makes the parameter, or what it holds is only a text, nothing is linked."""
    [end] = import_ends(build(units, load()))
    assert end.startswith("<${ssm:/app/")


def test_every_address_inside_of_a_bucket_leads_to_it() -> None:
    """Each `s3://bucket/prefix` leads to the bucket, not only the first that is looked up."""
    bucket = declare("aws_s3_bucket.b", {"bucket": "example-results"})
    groups = [
        declare(
            f"aws_athena_workgroup.{name}",
            {"configuration": {"result_configuration": {"output_location": f"s3://example-results/{name}/"}}},
        )
        for name in ("one", "two")
    ]
    graph = build([terraform(bucket, *groups)], load())
    ends = [edge.target for edge in graph.edges() if edge.name == "bucket" and edge.source.kind == "athena.workgroup"]
    assert [getattr(end, "address", None) for end in ends] == ["aws_s3_bucket.b", "aws_s3_bucket.b"]
