"""kmsguard tells, before you deploy, what is wrong with the encryption of your AWS infrastructure code."""

__version__ = "0.1.0"
