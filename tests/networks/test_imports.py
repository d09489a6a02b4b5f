"""Imports run one way through the package."""

import ast
import graphlib
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

import keras_effspine

ROOT = pathlib.Path(keras_effspine.__file__).parent

# What a folder may import of the package, and which heavy libraries at the top of a module.
FOLDERS = {
    "topology": (set(), set()),
    "layers": (set(), {"keras"}),
    "networks": ({"topology", "layers"}, {"keras"}),
    "pretrained": ({"topology"}, {"keras", "keras_cv"}),
    "optimizers": ({"layers"}, {"keras"}),
    "models": (
        {"topology", "layers", "networks", "pretrained", "optimizers", "data", "results"},
        {"keras", "keras_cv", "tensorflow"},
    ),
    "checkpoints": (
        {"topology", "layers", "networks", "pretrained", "models"},
        {"keras", "keras_cv"},
    ),
    "data": ({"topology"}, set()),
    "stream": ({"data", "topology"}, {"tensorflow"}),
    "results": ({"data", "drawing", "evaluation", "topology"}, set()),
    "runners": ({"data", "results"}, set()),
    "video": ({"results"}, set()),
    "inspection": ({"data", "topology"}, set()),
    "evaluation": ({"data", "topology"}, set()),
    "drawing": ({"data", "topology"}, set()),
    "analysis": ({"data", "topology", "evaluation", "drawing"}, set()),
    "tasks": (
        {
            "topology",
            "layers",
            "pretrained",
            "models",
            "data",
            "stream",
            "inspection",
            "evaluation",
            "drawing",
            "analysis",
            "results",
            "runners",
        },
        {"keras", "keras_cv", "tensorflow"},
    ),
    "training": (
        {"tasks", "models", "optimizers", "pretrained", "data", "stream", "evaluation", "drawing"},
        {"keras", "tensorflow"},
    ),
    "profiling": ({"topology", "layers", "pretrained", "models", "tasks", "training"}, {"keras"}),
    "exporting": (
        {"data", "pretrained", "profiling", "results", "runners", "tasks"},
        {"keras", "tensorflow"},
    ),
    "searching": (
        {
            "topology",
            "layers",
            "networks",
            "pretrained",
            "optimizers",
            "models",
            "data",
            "stream",
            "tasks",
            "training",
            "profiling",
        },
        {"keras", "tensorflow"},
    ),
    "workflow": (
        {
            "analysis",
            "data",
            "drawing",
            "evaluation",
            "inspection",
            "layers",
            "pretrained",
            "results",
            "runners",
            "stream",
            "tasks",
            "training",
            "video",
        },
        {"tensorflow"},
    ),
}
HEAVY = {"keras", "keras_cv", "tensorflow"}
MODULES = sorted(p for p in ROOT.rglob("*.py") if p.parent != ROOT)


def imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class WithoutTypes(ast.NodeTransformer):
    """Leaves out what is imported for a type checker alone: it costs nothing at run time."""

    def visit_If(self, node):
        return None if getattr(node.test, "id", "") == "TYPE_CHECKING" else node


def outside_functions(tree):
    """The statements that run when a module is imported."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from outside_functions(node)


def own_folders(names):
    """The package's folders among imported names."""
    parts = [name.split(".") for name in names]
    folders = {p[1] for p in parts if p[0] == "keras_effspine" and len(p) > 1}
    return {folder for folder in folders if (ROOT / folder).is_dir()}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_what_stands_below_it(path):
    folder = path.relative_to(ROOT).parts[0]
    tree = ast.parse(path.read_text())
    used = own_folders(imported(ast.walk(tree)))
    at_import = set(imported(outside_functions(WithoutTypes().visit(tree))))
    if folder == "cli":
        assert not HEAVY & {name.split(".")[0] for name in at_import}, "heavy imports in functions"
        return
    below, libraries = FOLDERS[folder]
    assert used <= below | {folder}
    assert HEAVY & {name.split(".")[0] for name in at_import} <= libraries


def test_every_folder_has_its_place():
    folders = {path.relative_to(ROOT).parts[0] for path in MODULES}
    assert folders <= {*FOLDERS, "cli"}


def test_no_folder_imports_one_that_imports_it():
    def above(folder, seen=()):
        assert folder not in seen, seen
        for other in FOLDERS[folder][0]:
            above(other, (*seen, folder))

    for folder in FOLDERS:
        above(folder)


def test_no_module_imports_one_that_imports_it():
    names = {
        ".".join(("keras_effspine", *p.relative_to(ROOT).with_suffix("").parts)): p for p in MODULES
    }
    imports = {
        name: names.keys() & set(imported(ast.walk(ast.parse(path.read_text()))))
        for name, path in names.items()
    }
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError


def test_layers_and_networks_need_neither_tensorflow_nor_keras_cv():
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: Keras needs a backend besides TensorFlow")
    modules = [
        ".".join(("keras_effspine", *path.relative_to(ROOT).with_suffix("").parts))
        for path in MODULES
        if path.relative_to(ROOT).parts[0] in ("topology", "layers", "networks")
    ]
    program = (
        "import importlib, sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras_cv'] = None  # their import fails\n"
        f"for name in {modules}: importlib.import_module(name)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
