"""CloudFormation templates into declarations, evaluated as CloudFormation would deploy them."""

from __future__ import annotations

from kmsguard.model.declaration import Unit, UnitSource


def read(source: UnitSource) -> Unit:
    """A template with its parameters and nested templates; whatever is wrong with them is in the unit's `problems`."""
    from kmsguard.cloudformation.reading import read_unit

    return read_unit(source)


def looks_like_template(text: str) -> bool:
    """Whether a text is worth reading as a template: a cheap test that parses nothing."""
    from kmsguard.cloudformation.detection import looks_like_template as looks

    return looks(text)
