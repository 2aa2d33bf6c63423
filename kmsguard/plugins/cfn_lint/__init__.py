"""The folder for cfn-lint's `--append-rules`, which makes a rule of every class of rules in every Python file in it."""
