"""What it costs to judge a key policy of fifty statements with conditions, in bare interpreter starts.

    python benchmarks/access_speed.py [--runs 15]

Both are timed in turns in one run, so that a busy machine slows both: `python -c pass` as a whole process, and in this process
the answers about the policy from its text (four classes and the lockout, everything read anew). Medians; the ratio is the
figure. Exit status 1 where a policy costs more than `--most` starts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from kmsguard.iam.check import check_text
from kmsguard.iam.texts import Deployment

OWN, ORGANIZATION = "111122223333", "o-abcdefghij"
DEPLOYMENT = Deployment(OWN, "us-east-1", ("222233334444",), (ORGANIZATION,))
USE = ["kms:Decrypt", "kms:GenerateDataKey*"]
Statement = dict[str, Any]


def _role(number: int) -> Statement:
    condition = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    return {"Principal": {"AWS": f"arn:aws:iam::{OWN}:role/app-{number}"}, "Action": USE, "Condition": condition}


def _topic(number: int) -> Statement:
    source = {"aws:SourceArn": f"arn:aws:sns:us-east-1:{OWN}:topic-{number}-*"}
    condition = {"StringEquals": {"aws:SourceAccount": OWN}, "ArnLike": source}
    return {"Principal": {"Service": "sns.amazonaws.com"}, "Action": USE, "Condition": condition}


def _account(number: int) -> Statement:
    condition = {"StringEquals": {"kms:CallerAccount": OWN, "kms:ViaService": f"ec{number}.us-east-1.amazonaws.com"}}
    return {"Principal": {"AWS": "*"}, "Action": USE, "Condition": condition}


def _grant(number: int) -> Statement:
    condition = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return {
        "Principal": {"AWS": f"arn:aws:iam::{OWN}:role/g-{number}"},
        "Action": "kms:CreateGrant",
        "Condition": condition,
    }


def _logs(number: int) -> Statement:
    arn = f"arn:aws:logs:us-east-1:{OWN}:log-group:/app/{number}/*"
    condition = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn}}
    return {"Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": USE, "Condition": condition}


def _deny(number: int) -> Statement:
    condition = {"StringNotEqualsIfExists": {"aws:PrincipalOrgID": ORGANIZATION}, "Bool": {"aws:ViaAWSService": "false"}}
    return {"Effect": "Deny", "Principal": "*", "Action": f"kms:ReEncrypt{number}*", "Condition": condition}


def policy(size: int, makers: tuple[Callable[[int], Statement], ...]) -> str:
    """A policy of some statements, the first of which is the account's."""
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OWN}:root"}, "Action": "kms:*", "Resource": "*"}
    rest = [{"Effect": "Allow", "Resource": "*", **makers[n % len(makers)](n)} for n in range(size - 1)]
    return json.dumps({"Version": "2012-10-17", "Statement": [root, *rest]})


def timed(what: Callable[[], object]) -> float:
    """Seconds."""
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--most", type=float, default=2.0, help="status 1 above this ratio")
    args = parser.parse_args()
    raw = policy(50, (_role, _topic, _account, _grant, _logs, _deny))
    check_text(raw, DEPLOYMENT)
    bare: list[float] = []
    ours: list[float] = []
    for _ in range(args.runs):
        bare.append(timed(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True)))
        ours.append(timed(lambda: check_text(raw, DEPLOYMENT)))
    start, judged = statistics.median(bare), statistics.median(ours)
    ratio = judged / start
    print(f"bare interpreter {start * 1000:.1f} ms, policy of 50 statements {judged * 1000:.1f} ms: {ratio:.2f} starts")
    return 1 if ratio > args.most else 0


if __name__ == "__main__":
    sys.exit(main())
