"""The folder for checkov's `--external-checks-dir`.

checkov loads every Python file in it, and takes every YAML file for a policy of its own, so there is none.
"""
