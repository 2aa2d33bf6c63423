"""What a front end yields: units, their declarations, and what was wrong with the input."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from kmsguard.model.guard import Formula
from kmsguard.model.source import Source, Span
from kmsguard.model.truth import Truth
from kmsguard.model.value import Value

Dialect: TypeAlias = Literal["terraform", "terraform-plan", "cloudformation"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """Something that is wrong with an input. Returned beside a partial result, never raised.

    An `error` means that something was not read (exit status 2), a `warning` that something is unknown because of it.
    `message` says what is wrong and what to do, and holds no value of the input.
    """

    level: Literal["error", "warning"]
    code: str  # kebab-case, stable: `hcl-syntax`, `module-not-found`, `unset-variable`
    file: str
    line: int
    column: int
    message: str


class Comment(msgspec.Struct, frozen=True):
    """A comment with its marks (`# …`), and where it stands."""

    text: str
    span: Span


class Call(msgspec.Struct, frozen=True):
    """A module call or nested stack through which a declaration came into the unit."""

    address: str  # `module.keys["eu"]`, `Storage`
    span: Span
    comments: tuple[Comment, ...] = ()
    downloaded: bool = False  # from a registry or git: findings are placed at the call


class Provider(msgspec.Struct, frozen=True):
    """Where a declaration is deployed to. None: nothing says it."""

    name: str = ""  # `aws`, `aws.replica`; of CloudFormation empty
    region: Value | None = None
    account: Value | None = None


class Origin(msgspec.Struct, frozen=True):
    """What wrote a declaration that no person writes: a construct of CDK, with its place in the app's code if that is told."""

    name: str  # `App/Stack/Bucket/Resource`
    span: Span | None = None


NOT_READ = "its block could not be read whole"


class Declaration(msgspec.Struct, frozen=True, eq=False):
    """One instance of a resource, data source, variable, output, provider or parameter, evaluated.

    `body` is a map in the language's own terms: Terraform arguments, and nested blocks as lists of maps; CloudFormation
    properties. Only what is written or computed from what is written. For a variable or parameter it holds what its block
    says (`default`, `sensitive`; `Default`, `NoEcho`), and `value`, the value that it has in this unit. A `text` is code that
    deploys nothing; its body holds the texts in it as they are written. A `change` is what a plan does to a resource that is
    there already, at its address: its body holds the `type`, the `action` (`delete`, `replace`, `update`), the ARN that the
    resource had, and the arguments that change (`changed`) and that do not let it stay (`forcing`).
    """

    address: str
    type: str  # `aws_kms_key`, `AWS::KMS::Key`; `variable`, `output`, `provider.aws`, `Parameter`, `Output`
    mode: Literal["managed", "data", "variable", "output", "provider", "parameter", "text", "change"]
    body: Value
    span: Span  # the whole block
    head: Span  # its first line, to its opening brace
    exists: Formula = Truth.YES  # UNKNOWN: there may be any number of it; what is said of it holds if there is any
    exists_reason: str | None = None  # what decides it where it is UNKNOWN: `for_each = var.keys`
    provider: Provider = Provider()
    comments: tuple[Comment, ...] = ()  # on it, in the line above it, and inside it
    metadata: Value | None = None  # CloudFormation's Metadata, `//` of .tf.json
    calls: tuple[Call, ...] = ()  # outermost first
    hidden: str | None = None  # why what is not there may be there all the same: a mistake in its text, a macro
    resource_attributes: dict[str, Value] = {}  # what is no argument of it: DeletionPolicy, prevent_destroy
    origin: Origin | None = None


class Export(msgspec.Struct, frozen=True):
    """A value that other units can import."""

    name: Value
    value: Value


class Unit(msgspec.Struct, frozen=True, eq=False):
    """All that was read of what is evaluated as a whole, even from a broken file."""

    path: str  # as in the report: the folder of a root module, the file of a template
    dialect: Dialect
    declarations: tuple[Declaration, ...]
    texts: tuple[Declaration, ...] = ()  # code that deploys nothing (locals, branches not taken): for what must not stand there
    changes: tuple[Declaration, ...] = ()  # what a plan does to what is there already
    outputs: dict[str, Value] = {}
    exports: tuple[Export, ...] = ()
    constraints: tuple[Formula, ...] = ()  # without which nothing of it is deployed: CloudFormation's Rules
    state: str | None = None  # the key under which others read its outputs: its backend's; of a template `stack:NAME`
    files: tuple[str, ...] = ()  # every file that took part
    sources: dict[str, Source] = {}  # the text of those that places lead into
    comments: dict[str, tuple[Comment, ...]] = {}  # all comments, by file: for suppressions that suppress nothing
    problems: tuple[Problem, ...] = ()
    account: str | None = None  # deployed to, where the settings say it
    region: str | None = None


class UnitSettings(msgspec.Struct, frozen=True):
    """What a unit is deployed with. Files are paths that can be opened as they stand."""

    account: str | None = None
    region: str | None = None
    workspace: str = "default"
    variables: tuple[tuple[str, str], ...] = ()  # --var and --parameter, in order; the last of a name counts
    variable_files: tuple[str, ...] = ()  # --var-file
    parameter_files: tuple[str, ...] = ()  # --parameters
    environment: tuple[tuple[str, str], ...] = ()  # TF_VAR_name as (name, value)
    all_values: bool = False  # defaults do not decide
    follow_modules: bool = True

    @property
    def partition(self) -> str | None:
        """The partition that the Region lies in; None where no Region is given."""
        if self.region is None:
            return None
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws-cn" if self.region.startswith("cn-") else "aws"


class UnitSource(msgspec.Struct, frozen=True):
    """A unit that is to be read: a folder (root module) or a file (template, plan)."""

    path: str  # as in the report; also what is opened (relative to the working directory, forward slashes)
    dialect: Dialect
    settings: UnitSettings = UnitSettings()
    boundary: str = "."  # the root of the checkout: nothing outside it is read
    text: str | None = None  # the input itself, where it comes from standard input
