"""What is published says the same everywhere: version, dependencies, and what is in it."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import molopt

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REQUIRED = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {extra: [Requirement(text) for text in texts] for extra, texts in PROJECT["optional-dependencies"].items()}
DISTRIBUTION = {"CDPL": "cdpkit", "berny": "pyberny", "IPython": "ipykernel"}  # that brings a module of another name
IN_CONDA = {"matplotlib": "matplotlib-base", "tblite": "tblite-python"}  # what conda-forge calls them
RECIPE = (ROOT / ".ci" / "conda" / "recipe.yaml").read_text(encoding="utf-8")


def versions():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    return {
        "CHANGELOG.md": re.search(r"^## (\S+)", changelog, re.M)[1],
        "CITATION.cff": re.search(r"^version: (\S+)", citation, re.M)[1],
        "recipe.yaml": re.search(r"^  version: (\d\S*)", RECIPE, re.M)[1],
    }


@pytest.mark.parametrize(("where", "version"), versions().items())
def test_the_version_is_that_of_the_package(where, version):
    assert version == molopt.__version__


def imports():
    """Packages that molopt imports: whether each is imported with its module, or only when it is used."""
    found = {}
    for path in Path(molopt.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                package = name.split(".")[0]
                if package != "molopt" and package not in sys.stdlib_module_names:
                    found[package] = found.get(package, False) or node in tree.body
    return found


@pytest.mark.parametrize(("package", "always"), sorted(imports().items()))
def test_what_is_imported_is_declared(package, always):
    name = DISTRIBUTION.get(package, package)
    required = {requirement.name for requirement in REQUIRED}
    optional = {requirement.name for requirements in EXTRAS.values() for requirement in requirements}
    assert name in required if always else name in required | optional


def test_what_is_declared_is_imported():
    assert {requirement.name for requirement in REQUIRED} == {DISTRIBUTION.get(name, name) for name in imports()} & {
        requirement.name for requirement in REQUIRED
    }


def listed(section):
    """The requirements of a list in the recipe, as name and version."""
    (text,) = re.findall(rf"^  {section}:\n((?:    - .*\n)+)", RECIPE, re.M)
    return dict(line.removeprefix("    - ").split(" ") for line in text.splitlines())


def test_conda_requires_what_pip_requires():
    python = PROJECT["requires-python"]
    assert listed("run") == {
        "python": python,
        **{IN_CONDA.get(requirement.name, requirement.name): str(requirement.specifier) for requirement in REQUIRED},
    }
    optional = {
        requirement.name: str(requirement.specifier) for extra in ("xtb", "fast") for requirement in EXTRAS[extra]
    }
    assert listed("run_constraints") == {IN_CONDA.get(name, name): said for name, said in optional.items()}


def test_the_changelog_has_versions_with_dates_the_newest_first():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)", changelog, re.M)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ \((unreleased|\d{4}-\d\d-\d\d)\)", heading) for heading in headings)
    numbers = [tuple(map(int, heading.split()[0].split("."))) for heading in headings]
    assert numbers == sorted(numbers, reverse=True)


def test_linters_are_pinned():
    assert all(str(requirement.specifier).startswith("==") for requirement in EXTRAS["dev"])


def test_conda_has_the_command_of_pip():
    assert f"- molopt = {PROJECT['scripts']['molopt']}\n" in RECIPE


def test_the_recipe_is_one():
    rattler_build = pytest.importorskip("rattler_build", reason="rattler-build comes with the extra dev")
    recipe = rattler_build.Stage0Recipe.from_file(str(ROOT / ".ci" / "conda" / "recipe.yaml"))
    (variant,) = recipe.render(rattler_build.VariantConfig(), rattler_build.RenderConfig())
    package = variant.recipe.package
    assert (package.name, package.version) == (PROJECT["name"], molopt.__version__)
