"""Plans of the real program (terraform 1.11.4, AWS provider 5.100.0; `timestamp` left out, indented) and what is read of them.

`plans/<case>` holds a root module and `plan.json`, its plan; where `state.json` is, the state before, in the same format.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kmsguard.model.declaration import Declaration, Unit, UnitSource
from kmsguard.model.finding import Report
from kmsguard.model.value import ACCOUNT, REGION, Target, Text, Value
from kmsguard.scan.run import scan
from kmsguard.scan.settings import Settings
from kmsguard.terraform.plan import looks_like_plan, read

PLANS = Path(__file__).parent / "plans"
SECRET = "hunter2-hunter2-22"
KEYS = "keys-and-queues"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def beside(case: str) -> Unit:
    """A plan beside the code that it was made from."""
    shutil.copytree(PLANS / case, case)
    return read(UnitSource(f"{case}/plan.json", "terraform-plan"))


def alone(case: str, name: str = "plan.json") -> Unit:
    """A plan without any code."""
    shutil.copy(PLANS / case / name, name)
    return read(UnitSource(name, "terraform-plan"))


def declared(unit: Unit) -> dict[str, Declaration]:
    """By address."""
    return {declaration.address: declaration for declaration in unit.declarations}


def argument(unit: Unit, address: str, *path: str | int) -> Value:
    """What stands at a path in a body."""
    value = declared(unit)[address].body
    for step in path:
        value = value.items[step] if isinstance(step, int) else value.members[step]
    return value


def target(value: Value) -> str | None:
    """The attribute that a value is, where it is one."""
    return f"{value.target.address}.{value.target.attribute}" if value.target is not None else None


LINKS = [
    ('aws_sns_topic.by_each["y"]', "kms_master_key_id", 'aws_kms_key.each["y"].arn'),
    ("aws_sqs_queue.by_output", "kms_master_key_id", 'module.keys["eu"].aws_kms_key.this[0].arn'),
    ("aws_sqs_queue.by_condition", "kms_master_key_id", "aws_kms_key.orders.arn"),
    ("aws_db_instance.db", "kms_key_id", 'aws_kms_key.each["x"].arn'),
    ('module.keys["eu"].aws_sns_topic.by_input', "kms_master_key_id", "aws_kms_key.orders.arn"),
    ("aws_s3_bucket_policy.reports", "bucket", "aws_s3_bucket.reports.id"),
]


@pytest.mark.parametrize(("address", "name", "wanted"), LINKS, ids=[row[0] for row in LINKS])
@pytest.mark.parametrize("how", [beside, alone])
def test_what_is_known_after_apply_leads_to_its_resource(how, address, name, wanted):
    """By attribute, by the key of `for_each`, through a module's output and input, under a condition that the plan knows."""
    value = argument(how(KEYS), address, name)
    assert target(value) == wanted
    assert value.data.reason == "known after apply"


def test_a_local_leads_on_only_where_the_code_is():
    """A plan holds no locals: without the code what comes through one is unknown and nothing is made up."""
    value = argument(alone(KEYS), "aws_sns_topic.by_local", "kms_master_key_id")
    assert target(value) is None
    assert value.data.reference == "local.key"
    assert target(argument(beside(KEYS), "aws_sns_topic.by_local", "kms_master_key_id")) == "aws_kms_key.orders.arn"


@pytest.mark.parametrize("how", [beside, alone])
def test_a_part_of_a_text_is_not_taken_for_all_of_it(how):
    """`"${aws_s3_bucket.reports.arn}/*"` is not the bucket's ARN, though a plan names nothing else."""
    value = argument(how(KEYS), "data.aws_iam_policy_document.reports", "statement", 0, "resources", 0)
    assert value.target is None


@pytest.mark.parametrize("how", [beside, alone])
def test_a_policy_document_that_is_read_during_apply_is_made_from_its_statements(how):
    """The plan has its statements, not its text."""
    policy = argument(how(KEYS), "aws_s3_bucket_policy.reports", "policy").data
    assert isinstance(policy, Text)
    (statement,) = policy.encodes.members["Statement"].items
    assert statement.members["Action"].text == "s3:*"
    assert statement.members["Principal"].members["AWS"].text == "*"


@pytest.mark.parametrize("how", [beside, alone])
def test_only_what_is_written_is_there(how):
    """Defaults of the provider and what it computes are not: `server_side_encryption_configuration` of a new bucket."""
    unit = how(KEYS)
    assert set(declared(unit)["aws_s3_bucket.reports"].body.members) == {"bucket"}
    assert set(declared(unit)["aws_kms_key.orders"].body.members) == {"description"}
    rule = argument(unit, "aws_s3_bucket_server_side_encryption_configuration.reports", "rule", 0)
    default = rule.members["apply_server_side_encryption_by_default"].items[0]
    assert default.members["sse_algorithm"].text == "aws:kms"
    assert target(default.members["kms_master_key_id"]) == "aws_kms_key.orders.arn"
    assert "bucket_key_enabled" not in rule.members


@pytest.mark.parametrize("how", [beside, alone])
def test_providers_and_regions(how):
    """A Region that is a constant, one from a variable, one that a module was handed."""
    found = {address: d.provider.region for address, d in declared(how(KEYS)).items() if d.provider.region is not None}
    assert found["aws_kms_key.orders"].text == "eu-west-1"
    assert found["aws_kms_key.orders"].refs == (REGION,)
    assert found['aws_kms_key.each["x"]'].text == "eu-central-1"
    assert found['module.keys["eu"].aws_kms_key.this[1]'].text == "eu-central-1"


@pytest.mark.parametrize("how", [beside, alone])
def test_sensitive_values_say_so(how):
    """What the configuration or the provider says is sensitive."""
    unit = how(KEYS)
    password = argument(unit, "aws_db_instance.db", "password")
    assert (password.text, password.sensitive, password.span) == (SECRET, True, None)
    variable = argument(unit, "var.db_password", "value")
    assert (variable.text, variable.sensitive) == (SECRET, True)


def test_outputs():
    """What one is made from is known; whether it is just that only the code says."""
    value = alone(KEYS).outputs["key"]
    assert (target(value), value.refs) == (None, (Target("aws_kms_key.orders", "arn"),))
    assert target(beside(KEYS).outputs["key"]) == "aws_kms_key.orders.arn"


def line(span) -> str:
    """The line in which a place begins."""
    return Path(span.file).read_text(encoding="utf-8").splitlines()[span.start_line - 1].strip()


def test_places_lead_into_the_code():
    """Of the block, of the argument, of a literal in it; the unit is the root module, so that baselines count for both."""
    unit = beside(KEYS)
    assert (unit.path, unit.dialect) == (KEYS, "terraform-plan")
    key = declared(unit)["aws_kms_key.orders"]
    assert line(key.head) == 'resource "aws_kms_key" "orders" {'
    assert line(key.body.members["description"].place) == 'description = "orders"'
    assert [comment.text for comment in key.comments] == ["# kmsguard:ignore[KG401] rotated by hand, ticket 4711"]
    inner = declared(unit)['module.keys["eu"].aws_kms_key.this[0]']
    assert line(inner.head) == 'resource "aws_kms_key" "this" {'
    assert [call.address for call in inner.calls] == ['module.keys["eu"]']
    variable = argument(unit, "aws_sns_topic.by_local", "kms_master_key_id")
    assert [step.name for step in variable.trail.chain()] == ["local.key"]


def test_places_lead_into_the_plan_where_the_code_is_not():
    """The value with its name, and the address as the resource's head."""
    unit = alone(KEYS)
    assert unit.path == "plan.json"
    key = declared(unit)["aws_kms_key.orders"]
    assert line(key.head) == '"address": "aws_kms_key.orders",'
    assert line(key.body.members["description"].place) == '"description": "orders",'
    assert key.span.within(argument(unit, "aws_kms_key.orders").place)
    assert unit.sources == {}


def test_a_module_that_is_not_there_stands_at_its_call():
    """The plan has its resources, the code only the call: nothing that a person could edit stands elsewhere."""
    shutil.copytree(PLANS / KEYS, KEYS)
    shutil.rmtree(f"{KEYS}/keys")
    unit = read(UnitSource(f"{KEYS}/plan.json", "terraform-plan"))
    key = declared(unit)['module.keys["eu"].aws_kms_key.this[1]']
    assert line(key.head) == 'module "keys" {'
    assert [(call.address, call.downloaded) for call in key.calls] == [('module.keys["eu"]', True)]
    assert key.body.members["policy"].text.startswith('{"Statement":[{"Action":"kms:*"')
    assert {value.place.file for value in key.body.walk() if value.place is not None} == {f"{KEYS}/main.tf"}
    assert target(argument(unit, 'module.keys["eu"].aws_sns_topic.by_input', "kms_master_key_id")) == "aws_kms_key.orders.arn"
    assert unit.problems == ()


def test_the_code_is_found_above_and_below_the_plan():
    """By what it declares: another root module beside it is not taken for it."""
    shutil.copytree(PLANS / KEYS, "infra/prod")
    shutil.copytree(PLANS / "kept-and-gone", "infra/other")
    Path("infra/prod/out").mkdir()
    for name in ("infra/prod/out/plan.json", "plan.json", "infra/other/prod.json"):
        shutil.move("infra/prod/plan.json", name)
        found = read(UnitSource(name, "terraform-plan")).path
        assert found == (name if "other" in name else "infra/prod")
        shutil.move(name, "infra/prod/plan.json")


def test_what_is_deleted_is_not_there():
    """What stays is, with what it is known to be."""
    unit = alone("kept-and-gone")
    assert [d.address for d in unit.declarations if d.mode == "managed"] == ["aws_kms_key.kept", "aws_sqs_queue.orders"]
    assert declared(unit)["aws_kms_key.kept"].body.members["enable_key_rotation"].data is True
    assert unit.account == "111122223333"


@pytest.mark.parametrize("how", [beside, alone])
def test_a_known_arn_still_leads_to_its_key(how):
    """What exists already has an ARN that the plan knows; the key that has it is meant all the same."""
    assert target(argument(how("kept-and-gone"), "aws_sqs_queue.orders", "kms_master_key_id")) == "aws_kms_key.kept.arn"


def test_a_state_is_read_too():
    """All of what it holds; where it is deployed to follows from the ARNs."""
    unit = alone("kept-and-gone", "state.json")
    assert [d.address for d in unit.declarations] == ["aws_kms_key.gone", "aws_kms_key.kept", "aws_sqs_queue.orders"]
    gone = declared(unit)["aws_kms_key.gone"]
    assert gone.body.members["enable_key_rotation"].data is False
    assert (gone.provider.region.text, gone.provider.account.refs) == ("eu-west-1", (ACCOUNT,))


def made_up(body: str, expression: str) -> Unit:
    """A plan with one resource in a called module: `body` its attributes, `expression` what is written of `password`."""
    text = """{"format_version": "1.2", "resource_changes": [{
      "address": "module.m.aws_db_instance.d", "module_address": "module.m", "mode": "managed", "type": "aws_db_instance",
      "name": "d", "change": {"actions": ["create"], "after": %s, "after_unknown": {}, "after_sensitive": {}}}],
      "variables": {"root": {"value": "hand-me-down"}},
      "configuration": {"root_module": {"variables": {"root": {"default": "hand-me-down"}, "given": {}}, "module_calls": {"m": {
        "expressions": {"literal": {"constant_value": "in-the-call"}, "on": {"references": ["var.root"]},
                        "given": {"references": ["var.given"]}},
        "module": {"resources": [{"address": "aws_db_instance.d", "expressions": {"password": %s}}]}}}}}}"""
    return read(UnitSource("-", "terraform-plan", text=text % (body, expression)))


ORIGINS = {
    "constant": ('{"password": "in-the-code"}', '{"constant_value": "in-the-code"}', 3),
    "file": ('{"password": "in-a-file"}', '{"references": ["path.module"]}', 3),
    "call": ('{"password": "in-the-call"}', '{"references": ["var.literal"]}', 6),
    "default": ('{"password": "hand-me-down"}', '{"references": ["var.on"]}', 5),
    "given": ('{"password": "from-outside"}', '{"references": ["var.given"]}', None),
    "another value than the default": ('{"password": "from-outside"}', '{"references": ["var.on"]}', None),
}


@pytest.mark.parametrize(("body", "expression", "wanted"), ORIGINS.values(), ids=list(ORIGINS))
def test_what_stands_in_the_code_and_what_was_handed_in(body, expression, wanted):
    """A literal stands somewhere, also where a call or a default hands it on; what was given from outside stands nowhere."""
    span = argument(made_up(body, expression), "module.m.aws_db_instance.d", "password").span
    assert (span.start_line if span is not None else None) == wanted


def test_a_text_that_the_provider_keeps_as_a_checksum():
    """`user_data`: the plan has its SHA-1; what is deployed is the text. Another checksum is another text."""
    import hashlib

    text = "#!/bin/sh\nexport PASSWORD=made-up"
    for kept, wanted in ((hashlib.sha1(text.encode()).hexdigest(), text), ("0" * 40, "0" * 40), (text + " \n", text)):
        unit = made_up(json.dumps({"password": kept}), json.dumps({"constant_value": text}))
        assert argument(unit, "module.m.aws_db_instance.d", "password").text == wanted


# --- bad input ----------------------------------------------------------------------------------------------------------------

WHOLE = (PLANS / "kept-and-gone" / "plan.json").read_text(encoding="utf-8")
BAD = {
    "cut": (WHOLE[: len(WHOLE) // 2], "json-syntax"),
    "no-json": ('{"format_version": "1.2", planned_values: {}}', "json-syntax"),
    "newer": (WHOLE.replace('"format_version": "1.2"', '"format_version": "2.0"'), "plan-version"),
    "no-version": ('{"resource_changes": []}', "plan-invalid"),
    "no-plan": ('{"format_version": "1.0"}', "plan-invalid"),
    "deep": ('{"format_version": "1.2", "planned_values": ' + "[" * 100_000, "json-syntax"),
}


@pytest.mark.parametrize(("text", "code"), BAD.values(), ids=list(BAD))
def test_what_is_no_plan_is_an_error(text, code):
    """With the place where it breaks off; nothing of what stands in it is in the message."""
    unit = read(UnitSource("-", "terraform-plan", text=text))
    assert [(p.level, p.code) for p in unit.problems] == [("error", code)]
    assert unit.declarations == ()
    if code == "json-syntax" and "planned_values:" not in text:
        assert "aws" not in unit.problems[0].message


def test_a_plan_that_is_not_whole_says_so():
    """It ended with an error, or has a target: a warning, and what there is is judged."""
    text = WHOLE.replace('"complete": true', '"complete": false')
    unit = read(UnitSource("-", "terraform-plan", text=text))
    assert [(p.level, p.code) for p in unit.problems] == [("warning", "plan-incomplete")]
    assert len([d for d in unit.declarations if d.mode == "managed"]) == 2


def rewritten(**change) -> Unit:
    """The plan of KEYS, alone, with some of its members replaced by what functions make of the whole."""
    tree = json.loads((PLANS / KEYS / "plan.json").read_text(encoding="utf-8"))
    for name, made in change.items():
        tree[name] = made(tree)
    return read(UnitSource("-", "terraform-plan", text=json.dumps({k: v for k, v in tree.items() if v is not None})))


def test_a_plan_of_opentofu_is_read_alike():
    """It has the format of Terraform 1.5 (no `applyable`, no `complete`), a version and a registry of its own.

    See https://opentofu.org/docs/internals/json-format/.
    """
    text = (PLANS / KEYS / "plan.json").read_text(encoding="utf-8")
    tree = json.loads(text.replace("registry.terraform.io", "registry.opentofu.org"))
    del tree["applyable"], tree["complete"]
    tree["terraform_version"] = "1.10.6"
    whole = read(UnitSource("-", "terraform-plan", text=text))
    unit = read(UnitSource("-", "terraform-plan", text=json.dumps(tree)))
    assert not unit.problems
    assert [d.address for d in unit.declarations] == [d.address for d in whole.declarations]
    for address, _, wanted in LINKS[:2]:
        assert target(argument(unit, address, "kms_master_key_id")) == wanted


def test_what_a_plan_puts_off_is_read_too():
    """`deferred_changes` are what the next plan will do, with as much of it as is known."""
    put_off = "aws_kms_key.orders"

    def later(tree):
        return [
            {"reason": "provider_config_unknown", "resource_change": change}
            for change in tree["resource_changes"]
            if change["address"] == put_off
        ]

    unit = rewritten(
        deferred_changes=later,
        resource_changes=lambda tree: [c for c in tree["resource_changes"] if c["address"] != put_off],
        planned_values=lambda _: {"root_module": {}},
        complete=lambda _: False,
    )
    assert put_off in declared(unit)
    assert target(argument(unit, "aws_sqs_queue.by_condition", "kms_master_key_id")) == f"{put_off}.arn"
    assert [p.code for p in unit.problems] == ["plan-incomplete"]


def test_what_a_provider_calls_sensitive_is_so_in_older_plans_too():
    """Their `after_sensitive` holds what the configuration calls so alone; the rest stands in `sensitive_values`."""

    def bare(tree):
        return [
            c | {"change": {k: v for k, v in c["change"].items() if k != "after_sensitive"}} for c in tree["resource_changes"]
        ]

    assert argument(rewritten(resource_changes=bare), "aws_db_instance.db", "password").sensitive


ACTIONS = [
    (["no-op"], True),
    (["create"], True),
    (["read"], True),
    (["update"], True),
    (["delete", "create"], True),
    (["create", "delete"], True),
    (["create", "forget"], True),
    (["delete"], False),
    (["forget"], False),
]


@pytest.mark.parametrize(("actions", "there"), ACTIONS, ids=["-".join(row[0]) for row in ACTIONS])
def test_what_a_plan_deletes_or_forgets_is_not_there(actions, there):
    """All else is; what has drifted (`resource_drift`) is what was, and not read."""

    def acted(tree):
        return [
            c | {"change": c["change"] | {"actions": actions}} if c["address"] == "aws_kms_key.orders" else c
            for c in tree["resource_changes"]
        ]

    def drifted(tree):
        changed = [c for c in tree["resource_changes"] if c["address"] == "aws_sqs_queue.by_output"]
        return [c | {"address": "aws_sqs_queue.drifted"} for c in changed]

    unit = rewritten(resource_changes=acted, resource_drift=drifted, planned_values=lambda _: {"root_module": {}})
    assert ("aws_kms_key.orders" in declared(unit)) is there
    assert "aws_sqs_queue.drifted" not in declared(unit)


def odd(node, number: int):
    """A plan in which every so many values are something else."""
    count = 0

    def changed(value):
        nonlocal count
        count += 1
        if count % 17 == number:
            return [None, 7, "x", [], {}, [1], {"a": 1}, True][count % 8]
        if isinstance(value, dict):
            return {name: changed(item) for name, item in value.items()}
        return [changed(item) for item in value] if isinstance(value, list) else value

    return {name: changed(item) if name != "format_version" else item for name, item in node.items()}


@pytest.mark.parametrize("number", range(17))
@pytest.mark.parametrize("case", [KEYS, "kept-and-gone"])
def test_nothing_that_a_plan_says_stops_the_reading(case, number):
    """Parts of other types than the format has are passed over."""
    tree = json.loads((PLANS / case / "plan.json").read_text(encoding="utf-8"))
    text = json.dumps(odd(tree, number))
    shutil.copytree(PLANS / case, case)
    assert isinstance(read(UnitSource("-", "terraform-plan", text=text)), Unit)
    Path(case, "plan.json").write_text(text, encoding="utf-8")
    assert isinstance(read(UnitSource(f"{case}/plan.json", "terraform-plan")), Unit)


def test_what_looks_like_a_plan():
    """Other JSON of the same program is none."""
    assert looks_like_plan(WHOLE)
    assert looks_like_plan((PLANS / "kept-and-gone" / "state.json").read_text(encoding="utf-8"))
    assert not looks_like_plan('{"format_version":"1.0","provider_schemas":{}}')
    assert not looks_like_plan('{"format_version":"1.0","valid":true,"error_count":0}')
    assert not looks_like_plan('{"Resources": {"A": {"Type": "AWS::KMS::Key"}}}')


# --- verdicts -----------------------------------------------------------------------------------------------------------------


def verdicts(report: Report) -> set[tuple[object, ...]]:
    """What failed and where, and what passed."""
    failed = {(f.code, f.resource.address, f.verdict, f.location, f.suppression is not None) for f in report.findings}
    return failed | {(p.code, p.address, "pass") for p in report.passed}


OF_CHANGES = ("KG023", "KG024", "KG027")  # about what a plan does to what is there already


def strict(**more) -> Settings:
    """All rules, and what they cannot decide."""
    return Settings(profile="strict", unknown="report", today="2026-01-01", **more)


@pytest.mark.parametrize("case", [KEYS, "kept-and-gone"])
def test_a_plan_is_judged_as_its_code_is(case):
    """With the values that it was made with: the same verdicts at the same places, the same suppressions."""
    shutil.copytree(PLANS / case, case)
    planned = scan([f"{case}/plan.json"], strict())
    for name in ("plan.json", "state.json"):
        Path(case, name).unlink(missing_ok=True)
    given = strict(variables=(("db_password", SECRET),)) if case == KEYS else strict()
    of_code = {one for one in verdicts(planned) if one[0] not in OF_CHANGES}
    assert of_code == verdicts(scan([case], given))
    assert [p for p in planned.errors if p.level == "error"] == []


def test_a_folder_with_a_plan_tells_nothing_twice():
    """The plan says with which values its root module is deployed: it is one of its environments."""
    shutil.copytree(PLANS / "kept-and-gone", "infra")
    both = scan(["infra/main.tf", "infra"], strict())
    told = [(f.code, f.resource.address, f.location) for f in both.findings]
    assert told
    assert len(told) == len(set(told))


@pytest.mark.parametrize("with_code", [True, False])
def test_secrets_of_a_plan_are_never_shown(with_code):
    """Not in a report, though the plan holds them as they are."""
    from kmsguard.output import render
    from kmsguard.scan.evaluate import evaluate

    if with_code:
        shutil.copytree(PLANS / KEYS, KEYS)
    path = f"{KEYS}/plan.json" if with_code else "plan.json"
    shutil.copy(PLANS / KEYS / "plan.json", path)
    report = scan([path], strict())
    shown = [render(report, format_, show_passed=True) for format_ in ("text", "json", "sarif", "html", "markdown")]
    shown.append(str(evaluate([path], strict())))
    assert not [text for text in shown if SECRET in text]


# --- the real program ---------------------------------------------------------------------------------------------------------

TERRAFORM = shutil.which("terraform")


def mirror() -> Path | None:
    """Where the provider lies on this machine."""
    roots = [root for root in (Path("/opt"), Path("/usr/share"), Path("/usr/local/share")) if root.is_dir()]
    found = [path.parent for root in roots for path in root.glob("*/registry.terraform.io")]
    return next((path for path in found if (path / "registry.terraform.io/hashicorp/aws").is_dir()), None)


@pytest.mark.terraform
@pytest.mark.skipif(TERRAFORM is None or mirror() is None, reason="needs the real terraform program and the AWS provider")
def test_the_recorded_plan_is_what_the_program_writes():
    """The same values in all that is read of them."""
    folder = Path(KEYS)
    shutil.copytree(PLANS / KEYS, folder)
    recorded = read(UnitSource(f"{KEYS}/plan.json", "terraform-plan"))
    (folder / "rc").write_text(
        f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror()}"\n  }}\n}}\n', encoding="utf-8"
    )
    environment = {
        **os.environ,
        "TF_CLI_CONFIG_FILE": str((folder / "rc").resolve()),
        "CHECKPOINT_DISABLE": "1",
        "AWS_ACCESS_KEY_ID": "mock",
        "AWS_SECRET_ACCESS_KEY": "mock",
        "TF_VAR_db_password": SECRET,
    }

    def run(*arguments: str) -> str:
        result = subprocess.run(
            [TERRAFORM or "terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    run("init", "-input=false")
    run("plan", "-input=false", "-lock=false", "-refresh=false", "-out=p")
    (folder / "plan.json").write_text(run("show", "-json", "p"), encoding="utf-8")
    made = read(UnitSource(f"{KEYS}/plan.json", "terraform-plan"))
    assert [(d.address, d.body) for d in made.declarations] == [(d.address, d.body) for d in recorded.declarations]


ALL_OF_THEM = {
    "a splat": ({"references": ["aws_kms_key.k"]}, None, ["a", "b"]),
    "a splat in each of several": ({"references": ["aws_kms_key.k"]}, "a", ["a", "b"]),
    "the same key": ({"references": ["aws_kms_key.k", "each.key"]}, "a", ["a"]),
    "a key that a local computes": ({"references": ["aws_kms_key.k", "local.which", "each.key"]}, "c", ["a", "b"]),
    "the element": ({"references": ["each.value.arn", "each.value"]}, "a", ["a"]),
    "an index": ({"references": ['aws_kms_key.k["b"].arn', 'aws_kms_key.k["b"]', "aws_kms_key.k"]}, "a", ["b"]),
}


@pytest.mark.parametrize(("written", "key", "wanted"), ALL_OF_THEM.values(), ids=list(ALL_OF_THEM))
@pytest.mark.parametrize("known", [False, True], ids=["before", "after"])
def test_a_reference_to_all_instances_of_a_resource_leads_to_each(written, key, wanted, known):
    """`aws_kms_key.k[*].arn` stands as `aws_kms_key.k` in a plan: a key of them is no key that nothing uses (KG022)."""
    arns = {name: f"arn:aws:kms:eu-west-1:111122223333:key/{name}" for name in ("a", "b")}

    def change(of: str, index: str | None, after: dict, unknown: dict) -> dict:
        address = f"{of}[{json.dumps(index)}]" if index else of
        kind, name = of.split(".")
        what = {"actions": ["create"], "after": after, "after_unknown": unknown, "after_sensitive": {}}
        return {"address": address, "mode": "managed", "type": kind, "name": name, "index": index, "change": what}

    policy = json.dumps(
        {"Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": [arns[one] for one in wanted]}]}
    )
    tree = {
        "format_version": "1.2",
        "resource_changes": [
            *(change("aws_kms_key.k", name, {"arn": arn} if known else {}, {"arn": not known}) for name, arn in arns.items()),
            change("aws_iam_policy.p", key, {"policy": policy} if known else {}, {"policy": not known}),
        ],
        "configuration": {
            "root_module": {
                "resources": [
                    {"address": "aws_kms_key.k", "expressions": {}, "for_each_expression": {}},
                    {
                        "address": "aws_iam_policy.p",
                        "expressions": {"policy": written},
                        "for_each_expression": {"references": ["aws_kms_key.k"]},
                    },
                ]
            }
        },
    }
    Path("plan.json").write_text(json.dumps(tree))
    report = scan(["plan.json"], strict())
    unused = {f.resource.address for f in report.findings if f.code == "KG022"}
    assert unused == {f'aws_kms_key.k["{name}"]' for name in arns if name not in wanted}


def test_what_stands_behind_locals() -> None:
    """A plan holds no locals: what one leads to is among the attributes that the plan's changes hang on."""
    unit = alone("behind-locals")
    # a called module has what its call hands to it; in the root module the local may be either key's
    assert target(argument(unit, "module.m.aws_sqs_queue.q", "kms_master_key_id")) == "aws_kms_key.m.arn"
    refs = argument(unit, "aws_sqs_queue.q", "kms_master_key_id").refs
    assert [one.address for one in refs] == ["aws_kms_key.k", "aws_kms_key.m"]
    report = scan(["plan.json"], strict())
    assert [f.resource.address for f in report.findings if f.code == "KG022"] == ["aws_kms_key.unused"]


WORKSPACES = """
locals {
  sizes = { default = 0, prod = 1, stage = 2 }
}
resource "aws_kms_key" "k" {
  count       = local.sizes[terraform.workspace]
  description = "k-${terraform.workspace}"
}
resource "aws_sqs_queue" "q" {
  name              = "q"
  kms_master_key_id = terraform.workspace == "default" ? null : try(aws_kms_key.k[0].arn, null)
}
"""


@pytest.mark.parametrize("workspace", ["default", "prod", "stage"])
def test_the_workspace_of_a_plan_is_found(workspace):
    """A plan does not say its workspace: it is the one of those that the code names that makes the plan's resources."""
    Path("main.tf").write_text(WORKSPACES, encoding="utf-8")
    count = {"default": 0, "prod": 1, "stage": 2}[workspace]
    queue = {"name": "q"} if count else {"name": "q", "kms_master_key_id": None}
    unknown = {"arn": True, "kms_master_key_id": True} if count else {"arn": True}
    rows = [("aws_sqs_queue", "q", None, queue, unknown)]
    rows += [("aws_kms_key", "k", at, {"description": f"k-{workspace}"}, {"arn": True}) for at in range(count)]
    changes = [
        {"address": f"{kind}.{name}" + ("" if at is None else f"[{at}]"), "mode": "managed", "type": kind, "name": name}
        | ({} if at is None else {"index": at})
        | {"change": {"actions": ["create"], "before": None, "after": after, "after_unknown": open_}}
        for kind, name, at, after, open_ in rows
    ]
    resources = [
        {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "provider_config_key": "aws"}
        for kind, name in (("aws_kms_key", "k"), ("aws_sqs_queue", "q"))
    ]
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {"root_module": {}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": resources}},
    }
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")
    unit = read(UnitSource("plan.json", "terraform-plan"))
    assert sorted(declared(unit)) == sorted(change["address"] for change in changes)
    if count:
        assert target(argument(unit, "aws_sqs_queue.q", "kms_master_key_id")) == "aws_kms_key.k[0].arn"
        assert argument(unit, "aws_kms_key.k[0]", "description").text == f"k-{workspace}"
        assert declared(unit)["aws_kms_key.k[0]"].span.file == "main.tf"


def test_what_is_write_only_is_that_of_the_code():
    """A plan has null for a write-only argument; the code says what is given."""
    code = 'resource "aws_db_instance" "d" {\n  engine      = "mysql"\n  password_wo = "hunter2-hunter2"\n}\n'
    Path("main.tf").write_text(code, encoding="utf-8")
    change = {"actions": ["create"], "before": None, "after": {"engine": "mysql", "password_wo": None}, "after_unknown": {}}
    block = {"address": "aws_db_instance.d", "mode": "managed", "type": "aws_db_instance", "name": "d"}
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {}},
        "resource_changes": [block | {"change": change}],
        "configuration": {"root_module": {"resources": [block]}},
    }
    Path("plan.json").write_text(json.dumps(plan), encoding="utf-8")
    unit = read(UnitSource("plan.json", "terraform-plan"))
    assert argument(unit, "aws_db_instance.d", "password_wo").text == "hunter2-hunter2"
