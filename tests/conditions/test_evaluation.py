"""Conditions over resources, elements of lists, and the ends of edges, in three truths."""

from __future__ import annotations

import msgspec
import pytest

from kmsguard.conditions import evaluate
from kmsguard.conditions.evaluation import look_up
from kmsguard.conditions.parsing import parse
from kmsguard.model.condition import Operand
from kmsguard.model.declaration import Declaration, Unit
from kmsguard.model.finding import Open
from kmsguard.model.guard import Atom, Not, UndecidedError, World
from kmsguard.model.resource import Edge, External, Graph, Resource
from kmsguard.model.source import Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import ABSENT, REGION, Branch, Choice, Target, Text, Unknown, Value

YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN
PROD = Atom("unit", "var.prod", True, (True, False))
PROD_NOT = Not(PROD)


def value(data, line: int | None = None) -> Value:
    """Plain Python data as a Value."""
    if isinstance(data, Value):
        return data
    place = Span("main.tf", line, 1, line, 9) if line is not None else None
    if isinstance(data, dict):
        return Value({name: value(item, line) for name, item in data.items()}, place, place)
    return Value(tuple(value(item, line) for item in data) if isinstance(data, list) else data, place, place)


def unknown(reference="var.x", **known) -> Value:
    """A value that a variable without default leaves open."""
    return Value(Unknown(f"{reference} has no value", reference, **known))


def resource(address, kind="kms.key", line=1, exists=YES, traits=(), **attributes) -> Resource:
    """A resource with these attributes."""
    span = Span("main.tf", line, 1, line + 5, 2)
    head = Span("main.tf", line, 1, line, 30)
    declaration = Declaration(address, kind, "managed", value({}), span, head)
    made = {name: value(data) for name, data in attributes.items()}
    return Resource(address, kind, kind, "unit", traits, made, {}, (declaration,), span, head, exists)


def ask(condition, subject, *others, edges=(), world=None, units=()):
    """What a condition says of a resource in a graph."""
    parsed = parse(value(condition, 1))
    assert parsed.problems == ()
    graph = Graph(tuple(units), (subject, *others), tuple(edges))
    return evaluate(parsed.condition, subject, graph, world or World())


def test_several_lines_mean_all():
    """A map is AND: one NO decides it, else one unknown leaves it open."""
    key = resource("k", rotation=True, spec="RSA_2048", days=unknown())
    assert ask({"rotation": "true", "spec": "RSA_2048"}, key).truth is YES
    assert ask({"rotation": "true", "days": {"below": "90"}}, key).truth is UNKNOWN
    assert ask({"days": {"below": "90"}, "spec": "HMAC_256"}, key).truth is NO
    assert ask({}, key).truth is YES


def test_any_all_not():
    """OR, AND and NOT after Kleene."""
    key = resource("k", a=True, b=unknown())
    assert ask({"any": [{"a": "false"}, {"b": "x"}]}, key).truth is UNKNOWN
    assert ask({"any": [{"b": "x"}, {"a": "true"}]}, key).truth is YES
    assert ask({"all": [{"a": "true"}, {"b": "x"}]}, key).truth is UNKNOWN
    assert ask({"not": {"b": "x"}}, key).truth is UNKNOWN
    assert ask({"not": {"a": "true"}}, key).truth is NO


def test_the_evidence_is_the_place_of_the_attribute():
    """What decided is shown where it is written, and what is absent at the head of the block."""
    key = resource("k", line=7, rotation=value(False, 9))
    answer = ask({"rotation": "true"}, key)
    assert [(e.message, e.span.start_line, e.resource) for e in answer.evidence] == [("rotation is false", 9, key)]
    absent = ask({"policy": {"set": "true"}}, key)
    assert [(e.message, e.span) for e in absent.evidence] == [("policy is not set", key.head)]


def test_what_is_written_is_shown_before_what_is_missing():
    """Of several things that decided together, the first place is one where somebody wrote something."""
    queue = resource("q", line=2, managed=value(False, 4))
    answer = ask({"any": [{"key": {"set": "true"}}, {"managed": "true"}]}, queue)
    assert [e.message for e in answer.evidence] == ["managed is false", "key is not set"]


def test_an_unknown_says_what_would_decide_it():
    """Of an unknown, what would decide it is told, once."""
    key = resource("k", a=unknown("var.a"), b=unknown("var.a"))
    answer = ask({"a": "x", "b": "x"}, key)
    assert answer.open == (Open("var.a", "var.a has no value"),)


def test_a_choice_that_matters_is_for_the_world_to_decide():
    """A condition of the template is no unknown: the world is split at it."""
    rotation = Value(Choice((Branch(PROD, value(True)), Branch(PROD_NOT, value(False)))))
    key = resource("k", rotation=rotation)
    with pytest.raises(UndecidedError) as undecided:
        ask({"rotation": "true"}, key)
    assert undecided.value.atom == PROD
    assert ask({"rotation": "true"}, key, world=World({PROD: True})).truth is YES
    assert ask({"rotation": "true"}, key, world=World({PROD: False})).truth is NO


def test_the_end_of_an_edge():
    """`every`, `some` and `none` ask the ends of edges, and the evidence leads from the edge to what its end says."""
    key = resource("k", rotation=value(False, 3))
    bucket = resource("b", "s3.bucket", line=20)
    edges = [Edge("key", bucket, key, value("k", 22))]
    answer = ask({"edge": {"name": "key", "every": {"rotation": "true"}}}, bucket, key, edges=edges)
    assert answer.truth is NO
    assert [(e.message, e.span.start_line) for e in answer.evidence] == [("key is k", 22), ("rotation is false", 3)]
    assert ask({"edge": {"name": "key", "none": {"rotation": "true"}}}, bucket, key, edges=edges).truth is YES
    assert ask({"edge": {"name": "key", "some": {}}}, bucket, key).truth is NO
    assert ask({"edge": {"name": "key", "every": {"rotation": "true"}}}, bucket, key).truth is YES


def test_an_edge_that_may_not_be_there():
    """A reference that may be null may make no edge: `some` is open, and `every` is so unless it holds of the end."""
    bucket = resource("b", "s3.bucket")
    maybe = [Edge("key", bucket, External("kms.key", unknown()), unknown())]
    surely = [Edge("key", bucket, External("kms.key", unknown(prefix="arn:")), unknown())]
    assert ask({"edge": {"name": "key", "some": {}}}, bucket, edges=maybe).truth is UNKNOWN
    assert ask({"edge": {"name": "key", "some": {}}}, bucket, edges=surely).truth is YES
    assert ask({"edge": {"name": "key", "every": {"rotation": "true"}}}, bucket, edges=surely).truth is UNKNOWN


def test_an_edge_to_what_does_not_exist_is_none():
    """In a world without its end an edge is not there."""
    key = resource("k", exists=PROD)
    bucket = resource("b", "s3.bucket")
    edges = [Edge("key", bucket, key, value("k"))]
    some = {"edge": {"name": "key", "some": {}}}
    assert ask(some, bucket, key, edges=edges, world=World({PROD: False})).truth is NO
    assert ask(some, bucket, key, edges=edges, world=World({PROD: True})).truth is YES


def test_edges_that_lead_here():
    """`from` asks the resources of a kind whose edges end at the subject."""
    key = resource("k")
    alias = resource("a", "kms.alias", name="alias/x")
    led = {"edge": {"name": "target", "from": "kms.alias", "some": {"name": "alias/x"}}}
    assert ask(led, key, alias, edges=[Edge("target", alias, key, value("k"))]).truth is YES
    assert ask(led, key, alias).truth is NO


def test_an_alias_of_what_is_not_known_may_lead_here():
    """A resource of the unit whose edge ends nobody knows where may end here, one that names something else does not."""
    key = resource("k")
    alias = resource("a", "kms.alias", name="alias/x")
    led = {"edge": {"name": "target", "from": "kms.alias", "some": {}}}
    nowhere = Edge("target", alias, External("kms.key", unknown("var.key")), unknown("var.key"))
    elsewhere = Edge("target", alias, External("kms.key", unknown(target=Target("data.aws_kms_key.o", "arn"))), value("x"))
    answer = ask(led, key, alias, edges=[nowhere])
    assert answer.truth is UNKNOWN
    assert answer.open == (Open("var.key", "var.key has no value"),)
    assert ask(led, key, alias, edges=[elsewhere]).truth is NO


def test_what_an_output_hands_out_may_be_used_by_another_unit():
    """Whether something leads to a key that an output hands out is open: another unit may bring it."""
    key = resource("aws_kms_key.k")
    output = unknown(target=Target("aws_kms_key.k", "arn"))
    unit = Unit("unit", "terraform", (), outputs={"key": output})
    led = {"edge": {"name": "target", "from": "kms.alias", "some": {}}}
    assert ask(led, key, units=[unit]).truth is UNKNOWN
    assert ask(led, key, units=[Unit("unit", "terraform", ())]).truth is NO


def test_operands_through_a_single_valued_edge():
    """`primary.policy` is an attribute of the end, absent where there is no edge, open where there may be several ends."""
    primary, other = resource("p", policy="same"), resource("o", policy="same")
    replica = resource("r", policy="same")
    one = [Edge("primary", replica, primary, value("p"))]
    compared = {"policy": {"same_as": "primary.policy"}}
    assert ask(compared, replica, primary, edges=one).truth is YES
    assert ask({"primary.policy": {"set": "false"}}, replica, primary).truth is YES
    assert ask(compared, replica, primary, other, edges=[*one, Edge("primary", replica, other, value("o"))]).truth is UNKNOWN


def test_the_outer_resource():
    """`^name` asks the resource that the edge leaves, or that holds the list."""
    key = resource("k", zone="eu")
    bucket = resource("b", zone="eu", grants=[{"zone": "us"}, {"zone": "eu"}])
    edges = [Edge("key", bucket, key, value("k"))]
    assert ask({"edge": {"name": "key", "every": {"zone": {"same_as": "^zone"}}}}, bucket, key, edges=edges).truth is YES
    assert ask({"each": {"in": "grants", "every": {"zone": {"same_as": "^zone"}}}}, bucket).truth is NO


def test_elements_of_a_list():
    """`each` asks the elements: members of a map by name, anything else as `item`; an unknown list leaves it open."""
    table = resource(
        "t", replicas=value([{"region": "eu-west-1"}, {"region": "us-east-1"}], 4), names=["a", "b"], more=unknown()
    )
    answer = ask({"each": {"in": "replicas", "none": {"region": "us-east-1"}}}, table)
    assert answer.truth is NO
    assert answer.evidence[0].span.start_line == 4
    assert ask({"each": {"in": "names", "some": {"item": "b"}}}, table).truth is YES
    inner = value({"on": value(False, 6)}, 5)
    told = ask({"each": {"in": "blocks", "every": {"on": "true"}}}, resource("d", blocks=[inner]))
    assert [e.span.start_line for e in told.evidence] == [6, 5]
    assert ask({"each": {"in": "more", "every": {"item": "b"}}}, table).truth is UNKNOWN
    assert ask({"each": {"in": "absent", "every": {"item": "b"}}}, table).truth is YES
    assert ask({"each": {"in": "absent", "some": {"item": "b"}}}, table).truth is NO


def test_what_lies_outside_tells_what_its_arn_tells():
    """Of a key in another stack the Region and account in its ARN are known, and nothing else."""
    replica = resource("r", region="eu-west-1")
    arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1"
    edges = [Edge("primary", replica, External("kms.key", value(arn)), value(arn))]
    assert ask({"primary.region": "us-east-1"}, replica, edges=edges).truth is YES
    assert ask({"primary.account": "444455556666"}, replica, edges=edges).truth is NO
    assert ask({"primary.arn": {"matches": "arn:.*:key/mrk-.*"}}, replica, edges=edges).truth is YES
    assert ask({"primary.rotation": "true"}, replica, edges=edges).truth is UNKNOWN
    assert ask({"primary.external": "true", "external": "false"}, replica, edges=edges).truth is YES
    holes = Value(Text((value("arn:aws:kms:"), unknown("var.region"), value(":111122223333:key/x"))))
    open_region = [Edge("primary", replica, External("kms.key", holes), holes)]
    assert ask({"primary.region": "us-east-1"}, replica, edges=open_region).open[0].reference == "var.region"
    assert ask({"primary.account": "111122223333"}, replica, edges=open_region).truth is YES


def test_an_absent_branch_is_absent():
    """A branch in which nothing is written is absent in its world, also as an element."""
    maybe = Value(Choice((Branch(PROD, value("x")), Branch(PROD_NOT, Value(ABSENT)))))
    key = resource("k", name=maybe, names=[maybe])
    off = World({PROD: False})
    assert ask({"name": {"set": "true"}}, key, world=off).truth is NO
    assert ask({"each": {"in": "names", "some": {}}}, key, world=off).truth is NO
    assert ask({"names": {"has": "x"}}, key, world=off).truth is NO


def test_every_resource_has_address_region_and_account():
    """Messages and conditions may name them of any resource; a Region that nothing says is unknown."""
    key = resource("k")
    graph = Graph((), (key,), ())
    assert look_up(Operand(("address",)), key, graph, World()).data == "k"
    assert look_up(Operand(("region",)), key, graph, World()).data == Unknown("nothing says the region", "--region")


def test_the_region_of_one_deployment_is_not_anothers():
    """What stands for the Region is the same within a unit, and open between two."""
    region = unknown("--region", target=REGION)
    replica, here = resource("r", region=region), resource("p", region=region)
    there = msgspec.structs.replace(here, unit="other")
    compared = {"region": {"same_as": "primary.region"}}
    assert ask(compared, replica, here, edges=[Edge("primary", replica, here, value("p"))]).truth is YES
    assert ask(compared, replica, there, edges=[Edge("primary", replica, there, value("p"))]).truth is UNKNOWN
