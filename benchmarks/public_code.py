"""Runs kmsguard on public code that nobody here wrote: does it read everything, and how long does it take.

    python benchmarks/public_code.py FOLDER...

Each FOLDER is a checkout. Prints a Markdown table: Terraform files and CloudFormation templates, what was judged, problems by
code, seconds. Exit status 1 where a scan crashed, hung (more than two minutes) or said that something is its own fault.
Standard library only.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

TIMEOUT = 120
TEMPLATES = {".yaml", ".yml", ".json", ".template"}


def is_template(path: Path) -> bool:
    """Whether a file looks like a CloudFormation template, by a test that is not the program's own."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return re.search(r"""["']?Resources["']?\s*:""", text) is not None and re.search(r"AWS::[A-Za-z]+::", text) is not None


def main() -> int:
    """Prints the table, then the inputs that could not be read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--kmsguard", default=shutil.which("kmsguard", path=str(Path(sys.executable).parent)) or "kmsguard")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="keep the reports there")
    args = parser.parse_args()

    print("| repository | .tf files | templates | units | resources | fail | unknown | errors | warnings | seconds |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |")
    wrong: list[str] = []
    unread: list[str] = []
    totals: collections.Counter[str] = collections.Counter()
    for folder in args.folder:
        terraform = sum(1 for path in folder.rglob("*.tf") if ".terraform" not in path.parts)
        start = time.perf_counter()
        command = [args.kmsguard, "scan", "--format", "json", "--fail-on", "never", "--unknown", "report", "."]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT, check=False)
            took = time.perf_counter() - start
            report = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, ValueError) as error:
            wrong.append(f"{folder.name}: {error}")
            continue
        if args.json:
            args.json.mkdir(parents=True, exist_ok=True)
            (args.json / f"{folder.name}.json").write_text(json.dumps(report, indent=1))
        verdicts = collections.Counter(finding["verdict"] for finding in report["findings"])
        levels = collections.Counter(error["level"] for error in report["errors"])
        wrong += [f"{folder.name}: {e['file']}: {e['message']}" for e in report["errors"] if e["code"] == "internal-error"]
        unread += [
            f"{folder.name}/{e['file']}:{e['line']}:{e['column']}: {e['code']}: {e['message']}"
            for e in report["errors"]
            if e["level"] == "error"
        ]
        templates = sum(1 for path in folder.rglob("*") if path.suffix in TEMPLATES and is_template(path))
        units = report["summary"]["units"]
        row = {
            "tf": terraform,
            "templates": templates,
            "units": units,
            "resources": report["summary"]["resources"],
            "fail": verdicts["fail"],
            "unknown": verdicts["unknown"],
            "errors": levels["error"],
            "warnings": levels["warning"],
        }
        totals.update(row)
        print(f"| {folder.name} | " + " | ".join(str(value) for value in row.values()) + f" | {took:.2f} |", flush=True)
    print("| all | " + " | ".join(str(value) for value in totals.values()) + " | |")
    if unread:
        print("\nNot read, and named:\n\n" + "\n".join(f"- {line}" for line in unread))
    if wrong:
        print("\nWrong:\n\n" + "\n".join(f"- {line}" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
