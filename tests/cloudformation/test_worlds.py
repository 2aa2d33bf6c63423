"""The verdict over guards is what the verdicts of the enumerated concrete templates make together.

Random small templates: parameters with allowed values, nested conditions, Fn::If in properties and around whole statements,
AWS::NoValue, resources with a Condition and references to them, mappings by parameter with and without default, Fn::ForEach,
parts of ARNs, a role that reads a secret, Rules. `KMSGUARD_WORLDS=20000` makes a long run of it, from
the seed `KMSGUARD_SEED` on.
"""

import itertools
import json
import os
import random
from collections.abc import Iterator

import pytest

from kmsguard.cloudformation import read
from kmsguard.kinds.build import build
from kmsguard.kinds.load import load as load_kinds
from kmsguard.model.declaration import Unit, UnitSettings, UnitSource
from kmsguard.model.rule import JudgeSettings
from kmsguard.rules.judge import judge
from kmsguard.rules.load import load as load_rules

COUNT = int(os.environ.get("KMSGUARD_WORLDS", "12"))
SEED = int(os.environ.get("KMSGUARD_SEED", "0"))
BATCH = 4
VALUES = ("dev", "stage", "prod")
REFUSED = {"rule-assertion", "unresolved-reference", "parameter-not-allowed", "invalid-function"}


class Random:
    """A template, made from a seed. `choices` are the values that each open parameter is tried with."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.choices: dict[str, tuple[str, ...]] = {}
        self.conditions: list[str] = []
        self.template = self._template()

    def _one(self, *options):
        return self.random.choice(options)

    def _template(self) -> dict:
        template: dict = {"Parameters": {}, "Mappings": {}, "Conditions": {}, "Resources": {}}
        self.allowed: list[str] = []
        for number in range(self.random.randint(1, 4)):
            name = f"P{number}"
            if self._one(True, True, False) or len(self.choices) - len(self.allowed) > 1:
                values = tuple(self.random.sample(VALUES, self.random.randint(2, 3)))
                template["Parameters"][name] = {"Type": "String", "AllowedValues": list(values)}
                self.allowed.append(name)
            else:
                values = (*VALUES, "zzz", f"only-{name}")  # for all that the template does not name, shared and not
                template["Parameters"][name] = {"Type": "String"}
            self.choices[name] = values
        template["Mappings"]["M"] = {
            value: {"flag": self._one("true", "false"), "algorithm": self._one("aws:kms", "AES256"), "days": self._one(7, 30)}
            for value in VALUES
        }
        for number in range(self.random.randint(1, 6)):
            name = f"C{number}"
            template["Conditions"][name] = self._condition(2)
            self.conditions.append(name)
        if self._one(True, False, False):
            template["Rules"] = {f"R{n}": self._rule() for n in range(self.random.randint(1, 2))}
        template["Resources"] = self._resources()
        return template

    def _parameter(self) -> str:
        return self._one(*self.choices)

    def _equals(self) -> dict:
        name = self._parameter()
        ref: object = {"Ref": name}
        kind = self.random.randint(0, 9)
        if kind == 0:
            return {"Fn::Equals": [ref, {"Ref": self._parameter()}]}
        if kind == 1 and name in self.allowed:
            return {"Fn::Equals": [{"Fn::FindInMap": ["M", ref, "flag"]}, "true"]}
        if kind == 2:
            return {"Fn::Equals": [{"Fn::Sub": f"x-${{{name}}}"}, f"x-{self._one(*VALUES)}"]}
        if kind == 3:
            other = self._parameter()
            joined = {"Fn::Join": ["-", [ref, {"Ref": other}]]}
            return {"Fn::Equals": [joined, f"{self._one(*VALUES)}-{self._one(*VALUES)}"]}
        if kind == 4 and self.conditions:
            return {"Fn::Equals": [{"Fn::If": [self._one(*self.conditions), ref, self._one(*VALUES)]}, self._one(*VALUES)]}
        return {"Fn::Equals": self.random.sample([ref, self._one(*VALUES)], 2)}

    def _condition(self, depth: int) -> dict:
        kind = self.random.randint(0, 5) if depth else 9
        if kind == 0:
            return {"Fn::Not": [self._condition(depth - 1)]}
        if kind in (1, 2):
            parts = [self._condition(depth - 1) for _ in range(self.random.randint(2, 3))]
            return {self._one("Fn::And", "Fn::Or"): parts}
        if kind == 3 and self.conditions:
            return {"Condition": self._one(*self.conditions)}
        return self._equals()

    def _assertion(self, depth: int) -> dict:
        kind = self.random.randint(0, 4) if depth else 9
        if kind == 0:
            return {"Fn::Not": [self._assertion(depth - 1)]}
        if kind == 1:
            return {self._one("Fn::And", "Fn::Or"): [self._assertion(depth - 1) for _ in range(2)]}
        if kind in (2, 3):
            return {"Fn::Contains": [self.random.sample(VALUES, 2), {"Ref": self._parameter()}]}
        return {"Fn::Equals": [{"Ref": self._parameter()}, self._one(*VALUES)]}

    def _rule(self) -> dict:
        rule: dict = {"Assertions": [{"Assert": self._assertion(1)} for _ in range(self.random.randint(1, 2))]}
        if self._one(True, True, False):
            rule["RuleCondition"] = self._assertion(1)
        return rule

    def _value(self, values: tuple, key: str | None = None, *, none: bool = True, depth: int = 2) -> object:
        kind = self.random.randint(0, 9) if depth else 0
        if kind in (1, 2, 3, 4) and self.conditions:
            branches = [self._value(values, key, none=none, depth=depth - 1) for _ in range(2)]
            return {"Fn::If": [self._one(*self.conditions), *branches]}
        if kind == 5 and none:
            return {"Ref": "AWS::NoValue"}
        if kind == 6 and key is not None and self.allowed:
            return {"Fn::FindInMap": ["M", {"Ref": self._one(*self.allowed)}, key]}
        if kind == 8 and key is not None:
            default = {"DefaultValue": self._one(*values)}
            return {"Fn::FindInMap": ["M", {"Ref": self._parameter()}, key, default]}
        if kind == 7:
            index = {"Fn::If": [self._one(*self.conditions), 0, 1]}
            return {"Fn::Select": [index, list(self.random.choices(values, k=2))]}
        return self._one(*values)

    def _conditional(self, resource: dict) -> dict:
        if self._one(True, False):
            resource["Condition"] = self._one(*self.conditions)
        return resource

    def _key(self) -> object:
        """A reference to a key that may exist under a condition, only where it does."""
        arn: object = {"Fn::GetAtt": ["Spare", "Arn"]}
        part = {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
        return {"Fn::If": [self.spare, self._one(arn, arn, part), self._value(({"Ref": "Key"},), depth=1)]}

    def _statement(self) -> dict:
        statement: dict = {
            "Effect": "Allow",
            "Principal": self._value(({"AWS": "*"}, {"AWS": "arn:aws:iam::111122223333:root"}), none=False),
            "Action": self._value(("kms:*", "kms:Decrypt"), none=False),
            "Resource": "*",
        }
        if self._one(True, False, False):
            condition = {"StringEquals": {"kms:CallerAccount": "111122223333"}}
            statement["Condition"] = {"Fn::If": [self._one(*self.conditions), condition, {"Ref": "AWS::NoValue"}]}
        return statement

    def _statements(self) -> list:
        root = {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        out: list = [root]
        for _ in range(self.random.randint(0, 2)):
            statement: dict = self._statement()
            if self._one(True, False):
                statement = {"Fn::If": [self._one(*self.conditions), statement, {"Ref": "AWS::NoValue"}]}
            out.append(statement)
        return out

    def _resources(self) -> dict:
        self.spare = self._one(*self.conditions)
        resources = {
            "Spare": {
                "Type": "AWS::KMS::Key",
                "Condition": self.spare,
                "Properties": {"EnableKeyRotation": self._value((True, False), "flag")},
            },
            "Key": {
                "Type": "AWS::KMS::Key",
                "Properties": {
                    "EnableKeyRotation": self._value((True, False), "flag"),
                    "PendingWindowInDays": self._value((7, 30), "days"),
                    "KeySpec": self._value(("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT", "RSA_2048")),
                    "KeyPolicy": {"Version": "2012-10-17", "Statement": self._statements()},
                },
            },
            "Bucket": self._conditional(
                {
                    "Type": "AWS::S3::Bucket",
                    "Properties": {
                        "BucketEncryption": {
                            "ServerSideEncryptionConfiguration": [
                                {
                                    "BucketKeyEnabled": self._value((True, False), "flag"),
                                    "ServerSideEncryptionByDefault": {
                                        "SSEAlgorithm": self._value(("aws:kms", "AES256"), "algorithm", none=False),
                                        "KMSMasterKeyID": self._value(({"Fn::GetAtt": ["Key", "Arn"]}, "alias/aws/s3")),
                                    },
                                }
                            ]
                        }
                    },
                }
            ),
            "Queue": self._conditional(
                {
                    "Type": "AWS::SQS::Queue",
                    "Properties": {
                        "SqsManagedSseEnabled": self._value((True, False), "flag"),
                        "KmsMasterKeyId": self._one(self._key(), self._value(({"Ref": "Key"}, "alias/aws/sqs"))),
                    },
                }
            ),
            "Volume": self._conditional(
                {
                    "Type": "AWS::EC2::Volume",
                    "Properties": {
                        "AvailabilityZone": "eu-west-1a",
                        "Encrypted": self._value((True, False), "flag"),
                        "KmsKeyId": self._value(({"Fn::GetAtt": ["Key", "Arn"]},)),
                    },
                }
            ),
        }
        if self._one(True, False):
            resources |= self._loop()
        if self._one(True, False, False):
            resources |= self._reader()
        for name, resource in resources.items():
            if not name.startswith("Fn::") and self._one(True, False, False):
                resource["Properties"] = {
                    name: {"Fn::If": [self._one(*self.conditions), value, {"Ref": "AWS::NoValue"}]}
                    if self._one(True, False, False) and name not in ("KeyPolicy", "AssumeRolePolicyDocument")
                    else value
                    for name, value in resource["Properties"].items()
                }
        return resources

    def _loop(self) -> dict:
        """Volumes by a loop, each with what a mapping says of its name."""
        items = self.random.sample(VALUES, 2)
        volume = {
            "AvailabilityZone": "eu-west-1a",
            "Encrypted": self._one({"Fn::FindInMap": ["M", {"Ref": "Env"}, "flag"]}, self._value((True, False), "flag")),
        }
        made: dict = self._conditional({"Type": "AWS::EC2::Volume", "Properties": volume})
        return {"Fn::ForEach::Volumes": ["Env", items, {"Volume${Env}": made}]}

    def _reader(self) -> dict:
        """A secret under a key, and a role that reads it, perhaps without the key."""
        read = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "Token"}}
        decrypt: object = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": {"Fn::GetAtt": ["Key", "Arn"]}}
        if self._one(True, False):
            decrypt = {"Fn::If": [self._one(*self.conditions), decrypt, {"Ref": "AWS::NoValue"}]}
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [read, decrypt]}}
        role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}, "Policies": [policy]}
        token = {"KmsKeyId": self._one(self._key(), self._value(({"Ref": "Key"},))), "GenerateSecretString": {}}
        return {
            "Token": {"Type": "AWS::SecretsManager::Secret", "Properties": token},
            "Reader": self._conditional({"Type": "AWS::IAM::Role", "Properties": role}),
        }


Findings = dict[tuple[str, str], dict[tuple[str, int], str]]


class Verdicts:
    """What all rules say of a template, under what it is deployed with."""

    def __init__(self) -> None:
        self.kinds = load_kinds(())
        self.rules = load_rules(())
        self.settings = JudgeSettings(profile="strict", trusted_accounts=("111122223333",), account="111122223333")

    def read(self, text: str, given: dict[str, str]) -> Unit:
        """The template, deployed with some values."""
        settings = UnitSettings(account="111122223333", region="eu-west-1", variables=tuple(given.items()))
        return read(UnitSource("t.json", "cloudformation", settings, text=text))

    def of(self, unit: Unit) -> Findings:
        """By rule and resource, what is wrong; empty where all is well."""
        judged = judge(build([unit], self.kinds), self.rules, self.settings)
        assert not judged.problems
        found: Findings = {}
        self.too_many = set()
        for judgement in judged.judgements:
            pair = (judgement.rule.code, judgement.resource.address)
            if any("combinations of conditions decide it" in opened.message for opened in judgement.open):
                self.too_many.add(pair)
            verdicts = found.setdefault(pair, {})
            if judgement.verdict != "pass":
                number = sum(attribute == judgement.attribute for attribute, _ in verdicts)
                verdicts[judgement.attribute, number] = judgement.verdict
        return found


def joined(worlds: list[Findings]) -> Iterator[tuple[tuple[str, str], str]]:
    """What the verdicts of the worlds make together; see the table of worlds in the design.

    In a world in which nothing is said of a resource it does not exist, or the rule is not applicable there: those are told
    apart by the caller, who leaves out the worlds in which the resource does not exist.
    """
    for pair in dict.fromkeys(pair for world in worlds for pair in world):
        keys = dict.fromkeys(key for world in worlds for key in world.get(pair, {}))
        together = "pass"
        for key in keys:
            outcomes = [world[pair].get(key, "pass") if pair in world else "not applicable" for world in worlds]
            if all(outcome == "fail" for outcome in outcomes):
                together = "fail"
            elif together != "fail":
                together = "unknown"
        yield pair, together


def verdict(found: dict[tuple[str, int], str]) -> str:
    """Of one rule and resource."""
    return "fail" if "fail" in found.values() else "unknown" if found else "pass"


def differences(verdicts: Verdicts, seed: int) -> list[str]:
    """Where the verdict over guards is another one than that of the concrete templates."""
    made = Random(seed)
    text = json.dumps(made.template, indent=1)
    left = verdicts.of(unit := verdicts.read(text, {}))
    assert not [p for p in unit.problems if p.code not in REFUSED], unit.problems
    too_many = verdicts.too_many
    worlds: list[tuple[set[str], Findings]] = []
    for values in itertools.product(*made.choices.values()):
        concrete = verdicts.read(text, dict(zip(made.choices, values, strict=True)))
        if not any(problem.code in REFUSED for problem in concrete.problems):
            worlds.append(({d.address for d in concrete.declarations}, verdicts.of(concrete)))
    if not worlds:
        return []
    out = []
    addresses = dict.fromkeys(address for declared, _ in worlds for address in sorted(declared))
    right = {
        pair: told
        for address in addresses
        for pair, told in joined([found for declared, found in worlds if address in declared])
        if pair[1] == address
    }
    for pair in dict.fromkeys((*left, *right)):
        mine = verdict(left[pair]) if pair in left else "nothing"
        told = right.get(pair, "nothing")
        passes = mine == "pass" and told == "nothing"  # what is asked for in no world passes, without a look at every world
        if mine != told and not passes and pair not in too_many:
            out.append(f"seed {seed}: {pair[0]} on {pair[1]}: {mine}, but the concrete templates make {told}")
    return out


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    """Rules and kinds, loaded once."""
    return Verdicts()


@pytest.mark.parametrize("start", range(SEED, SEED + COUNT, BATCH))
def test_the_verdict_over_guards_is_that_of_the_concrete_templates(verdicts, start):
    """A rule says of an open template what it says of all of its concrete ones together."""
    assert [line for seed in range(start, min(start + BATCH, SEED + COUNT)) for line in differences(verdicts, seed)] == []
