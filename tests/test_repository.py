"""Files at the root of the repository and below .github: valid, and consistent with the package."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pixelwise import __version__

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(file for file in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if file.stem != "config")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read_yaml(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in read_yaml(file)["jobs"].items():
            yield f"{file.name}: {name}", job


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
        ("vendor.github-issue-forms", FORMS),
        ("vendor.github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_files_match_their_schemas(schema: str, files: list[Path]) -> None:
    """The schemas are part of check-jsonschema: nothing is downloaded."""
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_workflows_have_few_permissions_and_a_concurrency_group() -> None:
    for file in WORKFLOWS:
        workflow = read_yaml(file)
        assert workflow["permissions"] == {"contents": "read"}, file.name
        assert workflow["concurrency"]["group"], file.name
    more = {name: job["permissions"] for name, job in jobs() if "permissions" in job}
    assert more == {
        "release.yml: github-release": {"contents": "write"},
        "release.yml: publish": {"id-token": "write"},
    }


def test_actions_are_pinned_to_major_versions() -> None:
    for name, job in jobs():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+)", step["uses"]), f"{name}: {step['uses']}"


def test_the_tested_versions_of_python_are_those_of_the_classifiers() -> None:
    job = read_yaml(GITHUB / "workflows" / "test.yml")["jobs"]["tests"]
    stated = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.M)
    assert job["strategy"]["matrix"]["python"] == stated
    assert PROJECT["requires-python"] == f">={stated[0]}"


def test_the_workflow_runs_the_two_commands_of_the_readme() -> None:
    blocks = re.findall(r"```bash\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    steps = read_yaml(GITHUB / "workflows" / "test.yml")["jobs"]["tests"]["steps"]
    assert [step["run"] for step in steps if "run" in step][:2] == blocks[:2]


def test_the_citation_names_this_version() -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert citation["license"] == PROJECT["license"]
    assert citation["abstract"] == PROJECT["description"]


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+) – (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == (__version__, str(read_yaml(ROOT / "CITATION.cff")["date-released"]))


def test_the_security_policy_covers_this_version() -> None:
    minor = __version__.rpartition(".")[0]
    assert f"| {minor} | yes |" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_dockerfile_serves_on_the_port_that_it_checks() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "EXPOSE 8000\n" in text
    assert "http://127.0.0.1:8000/healthz" in text
    assert re.search(r"^USER (?!root|0$)", text, re.M)
    for source in re.findall(r"^COPY (.+) \S+$", text, re.M):
        for name in source.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8"), name


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, re.M)
    listed = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make (\w+) +\S", listed, re.M) == phony.split()
