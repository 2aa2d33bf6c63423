"""The condition language over three-valued truth: `evaluation` asks, `comparison` compares values, `parsing` reads it."""

from kmsguard.conditions.evaluation import evaluate as evaluate
