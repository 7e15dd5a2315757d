"""The import rule of the house, held over the syntax trees: hcrmp -> llm_hints -> envs.scene, hcrmp -> envs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from envs.compiled import KERNEL_FREE

ROOT = Path(__file__).parent.parent
PLANNER_SIDE = ("hcrmp", "llm_hints", "torch", "stable_baselines3", "transformers", "openai", "hydra", "omegaconf")
LIGHT_COMMANDS = ("hcrmp/cli.py", "hcrmp/errors.py", "hcrmp/jobs.py", "hcrmp/__init__.py")


@dataclass(frozen=True)
class Import:
    """One imported module (``names``: what was taken from it) and whether it happens when the file is loaded."""

    module: str
    names: tuple[str, ...]
    at_top: bool

    @property
    def package(self) -> str:
        return self.module.split(".")[0]


def imports(source: str, package: str = "") -> list[Import]:
    """Return the imports of ``source``; ``package`` is the dotted package of its file, for relative ones."""
    tree = ast.parse(source)
    top = set(map(id, _loaded(tree)))
    return [found for node in ast.walk(tree) for found in _found(node, package, id(node) in top)]


def _loaded(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run when the module is loaded: all that is in no function."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _loaded(child)


def _found(node: ast.AST, package: str, at_top: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, (), at_top) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        yield Import(".".join([*base, node.module or ""]).strip("."), tuple(a.name for a in node.names), at_top)
    elif isinstance(node, ast.Call) and node.args and ast.unparse(node.func).endswith("import_module"):
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            yield Import(node.args[0].value, (), at_top)


def violations(path: str, source: str) -> list[str]:
    """Return what ``source`` at ``path`` (from the repository's root) imports against the rule."""
    parts = path.split("/")
    package = ".".join(parts[:-1])
    wrong = []
    for found in imports(source, package):
        if parts[0] == "envs" and found.package in PLANNER_SIDE:
            wrong.append(f"{path}: envs must not import {found.module}")
        if parts[0] == "llm_hints" and not _hints_may_import(path, found):
            wrong.append(f"{path}: llm_hints must not import {found.module}")
        if found.package == "carla" and parts[0] != "tests" and parts[:2] != ["envs", "carla_backend"]:
            wrong.append(f"{path}: carla is imported in envs/carla_backend only")
        if found.package == "msgpack" and parts[0] != "tests" and parts[:2] != ["envs", "carla_server"]:
            wrong.append(f"{path}: msgpack is imported in envs/carla_server only")
        if parts[0] != "tests" and found.package == "tests":
            wrong.append(f"{path}: code must not import {found.module}")
        if path in LIGHT_COMMANDS and found.at_top and not _light(found):
            wrong.append(f"{path}: {found.module} must be imported where it is used, for a quick --help")
    return wrong


def _hints_may_import(path: str, found: Import) -> bool:
    if found.package == "envs":
        # compiled, the one wrapper of numba, and untrusted, readers of strangers' files, know nothing of the world.
        allowed = {"scene", "compiled", "untrusted"}
        taken = set(found.names) if found.module == "envs" else {found.module.split(".")[1]}
        return bool(taken) and taken <= allowed
    if found.package in ("torch", "transformers", "openai"):
        return path.startswith("llm_hints/providers/") or path == "llm_hints/knowledge/encoder.py"
    return found.package not in ("hcrmp", "stable_baselines3", "hydra", "omegaconf", "configs")


def _light(found: Import) -> bool:
    return found.package not in (
        "numpy",
        "numba",
        "scipy",
        "hydra",
        "omegaconf",
        "envs",
        "llm_hints",
        *PLANNER_SIDE,
    ) or found.module in ("hcrmp.errors", "hcrmp.jobs")


def project_files() -> list[Path]:
    return sorted(
        path for room in ("envs", "llm_hints", "hcrmp", "configs", "tests") for path in (ROOT / room).rglob("*.py")
    )


def test_the_rooms_import_in_one_direction() -> None:
    found = [
        line
        for path in project_files()
        for line in violations(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    ]
    assert found == []


def _read_by_kernels() -> set[str]:
    """Return the files of envs and llm_hints whose code or constants may be in the machine code of a kernel."""
    sources = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): path
        for path in project_files()
        if path.relative_to(ROOT).parts[0] in ("envs", "llm_hints")
    }
    reached = {name for name, path in sources.items() if "@njit" in path.read_text("utf-8")}
    assert len(reached) > 50
    waiting = list(reached)
    while waiting:
        path = sources[waiting.pop()]
        for found in imports(path.read_text("utf-8"), ".".join(path.relative_to(ROOT).parts[:-1])):
            for name in (found.module, *(f"{found.module}.{taken}" for taken in found.names)):
                if name in sources and name not in reached:
                    reached.add(name)
                    waiting.append(name)
    return {sources[name].relative_to(ROOT).as_posix() for name in reached}


def test_no_kernel_reads_what_its_cache_does_not_look_at() -> None:
    """A change there would leave stale machine code in use."""
    assert [path for path in sorted(_read_by_kernels()) if path.startswith(KERNEL_FREE)] == []
    for package in KERNEL_FREE:
        assert (ROOT / package).is_dir()


def test_every_room_is_looked_at() -> None:
    looked_at = {path.relative_to(ROOT).parts[0] for path in project_files()}
    assert looked_at == {"envs", "llm_hints", "hcrmp", "configs", "tests"}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("envs/reward.py", "import torch"),
        ("envs/reward.py", "from torch.nn import functional"),
        ("envs/reward.py", "from llm_hints.hint import Hint"),
        ("envs/traffic/brain.py", "def later():\n    import hcrmp.build"),
        ("envs/embedded/world.py", "from importlib import import_module\nimport_module('hydra')"),
        ("envs/embedded/world.py", "import carla"),
        ("envs/carla_server/world.py", "import carla"),
        ("envs/embedded/world.py", "import msgpack"),
        ("envs/embedded/world.py", "from ...hcrmp import build"),
        ("hcrmp/train.py", "try:\n    import carla\nexcept ImportError:\n    carla = None"),
        ("llm_hints/service.py", "from envs.driving_env import DrivingEnv"),
        ("llm_hints/service.py", "from envs import reward"),
        ("llm_hints/service.py", "import envs.risk as risk"),
        ("llm_hints/service.py", "import hcrmp"),
        ("llm_hints/service.py", "import torch"),
        ("llm_hints/knowledge/base.py", "import transformers"),
        ("hcrmp/cli.py", "import numpy as np"),
        ("hcrmp/cli.py", "from hcrmp.config import load"),
        ("hcrmp/build.py", "from tests.envs.builders import make_scene"),
    ],
)
def test_a_violation_is_caught(path: str, source: str) -> None:
    assert len(violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("envs/carla_backend/session.py", "import carla"),
        ("envs/carla_server/rpc.py", "import msgpack"),
        ("tests/envs/test_roads.py", "import carla"),
        ("llm_hints/service.py", "from envs.scene import SceneBatch"),
        ("llm_hints/service.py", "from envs import scene"),
        ("llm_hints/providers/transformers_lm.py", "import torch"),
        ("llm_hints/knowledge/encoder.py", "import transformers"),
        ("llm_hints/service.py", "from .hint import Hint"),
        ("hcrmp/build.py", "import torch\nfrom envs.driving_env import DrivingEnv\nfrom llm_hints.hint import Hint"),
        ("hcrmp/cli.py", "def run():\n    from hcrmp.config import load"),
        ("envs/torches.py", "from envs.errors import EnvsError"),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    assert violations(path, source) == []
