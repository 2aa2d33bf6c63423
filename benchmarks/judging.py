"""What judging costs beside reading and evaluating, and how it grows.

    python benchmarks/judging.py [--services 50] [--runs 3]

A graph of ten resources for each service, one key and two roles among them, from a CloudFormation template and from Terraform,
and one of twice as many services. Seconds of processor in this process, the least of some runs; rules and kinds are compiled
before. Status 1 where judging takes longer than reading and evaluating, or twice the graph more than 2.3 times as long.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from large_template import template

import kmsguard
from kmsguard.scan import run

GROWTH = 2.3
"""How much longer twice the graph may take."""


class Took(NamedTuple):
    """Seconds of processor."""

    read: float
    judged: float


def cloudformation(folder: Path, services: int) -> None:
    """Writes the template that is compared with other programs too."""
    (folder / "template.json").write_text(json.dumps(template(services), indent=1), encoding="utf-8")


def terraform(folder: Path, services: int) -> None:
    """Writes the same sort of services as Terraform writes them."""
    (folder / "main.tf").write_text(
        "\n".join(TERRAFORM.replace("NAME", f"s{n:03d}") for n in range(services)), encoding="utf-8"
    )


TERRAFORM = """
resource "aws_kms_key" "NAME" {
  enable_key_rotation = true
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Sid = "Administer", Effect = "Allow", Principal = { AWS = "arn:aws:iam::111122223333:root" },
      Action = "kms:*", Resource = "*" },
    { Sid = "Use", Effect = "Allow", Principal = { AWS = [aws_iam_role.NAME.arn, aws_iam_role.NAME_worker.arn] },
      Action = ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"], Resource = "*" },
  ] })
}
resource "aws_iam_role" "NAME" {
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}
resource "aws_iam_role" "NAME_worker" {
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Principal = { Service = "ecs-tasks.amazonaws.com" }, Action = "sts:AssumeRole" }] })
}
resource "aws_iam_role_policy" "NAME" {
  role = aws_iam_role.NAME.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = ["sqs:SendMessage", "sqs:ReceiveMessage"], Resource = aws_sqs_queue.NAME.arn },
    { Effect = "Allow", Action = ["s3:GetObject", "s3:PutObject"], Resource = "${aws_s3_bucket.NAME.arn}/*" },
    { Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = aws_kms_key.NAME.arn },
  ] })
}
resource "aws_sqs_queue" "NAME" {
  kms_master_key_id = aws_kms_key.NAME.arn
}
resource "aws_sns_topic" "NAME" {
  kms_master_key_id = aws_kms_key.NAME.arn
}
resource "aws_s3_bucket" "NAME" {
  bucket = "data-NAME"
}
resource "aws_s3_bucket_server_side_encryption_configuration" "NAME" {
  bucket = aws_s3_bucket.NAME.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.NAME.arn
    }
  }
}
resource "aws_cloudwatch_log_group" "NAME" {
  name              = "/app/NAME"
  kms_key_id        = aws_kms_key.NAME.arn
  retention_in_days = 365
}
resource "aws_lambda_function" "NAME" {
  function_name = "NAME"
  role          = aws_iam_role.NAME.arn
  kms_key_arn   = aws_kms_key.NAME.arn
  runtime       = "python3.13"
  handler       = "main.handle"
  filename      = "main.zip"
  environment {
    variables = { QUEUE_URL = aws_sqs_queue.NAME.url, BUCKET = aws_s3_bucket.NAME.id }
  }
}
"""


def timed(folder: Path, runs: int) -> Took:
    """The least of some runs."""
    judge = run._judged  # noqa: SLF001 - the one place between reading and judging
    seconds = 0.0

    def timing(*arguments: object, **named: object) -> object:
        nonlocal seconds
        start = time.process_time()
        try:
            return judge(*arguments, **named)  # type: ignore[arg-type]
        finally:
            seconds += time.process_time() - start

    run._judged = timing  # type: ignore[assignment]  # noqa: SLF001
    took = []
    try:
        for _ in range(runs):
            seconds = 0.0
            start = time.process_time()
            kmsguard.scan([str(folder)])
            whole = time.process_time() - start
            took.append(Took(whole - seconds, seconds))
    finally:
        run._judged = judge  # noqa: SLF001
    return min(took, key=sum)


def main() -> int:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--services", type=int, default=50)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    gc.disable()  # as the command line does
    print("| language | services | read and evaluated, s | judged, s | judged / read | twice the graph, times |")
    print("| --- | --: | --: | --: | --: | --: |")
    good = True
    for name, write in (("CloudFormation", cloudformation), ("Terraform", terraform)):
        before: Took | None = None
        for services in (args.services, 2 * args.services):
            with tempfile.TemporaryDirectory() as folder:
                write(Path(folder), services)
                took = timed(Path(folder), args.runs)
            share = took.judged / took.read
            growth = sum(took) / sum(before) if before is not None else 0.0
            good = good and share <= 1 and growth <= GROWTH
            shown = f"{growth:.2f}" if before is not None else ""
            print(f"| {name} | {services} | {took.read:.2f} | {took.judged:.2f} | {share:.2f} | {shown} |")
            before = took
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
