"""AWS SAM: templates with the transform `AWS::Serverless-2016-10-31` as CloudFormation deploys them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmsguard.cloudformation.serverless.translation import Made
    from kmsguard.cloudformation.template import Template
    from kmsguard.syntax.yaml import Entry


def translated(template: Template, resources: dict[str, Entry]) -> Made:
    """The resources of a template after SAM's transform, by logical id."""
    from kmsguard.cloudformation.serverless.translation import Translation

    return Translation(template, resources).result()
