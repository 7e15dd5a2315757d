"""A planner in ONNX: the same actions to 1e-5 in any batch, and no graph that does more than drive."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from envs.untrusted import UntrustedFileError
from hcrmp.errors import UserError
from hcrmp.share import load_policy
from hcrmp.share.document import ONNX_FILE, SharedPlannerError
from hcrmp.share.networks import filled_networks
from hcrmp.share.onnx_policy import OnnxPolicy
from hcrmp.share.policies import TorchPolicy
from hcrmp.train_config import Algorithm
from tests.hcrmp.share.planners import ALGORITHMS, SEEING, files_of, observation, planner, shared, write

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")
TOLERANCE = 1e-5


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


def both(folder: Path, algorithm: Algorithm, pictures: bool = False) -> tuple[Any, TorchPolicy]:
    """Return a planner in ONNX and the same one in torch."""
    document, weights = planner(algorithm, pictures)
    in_torch = TorchPolicy.of(document, filled_networks(document, weights, "x"))
    return load_policy(shared(folder, algorithm, "onnx", pictures)), in_torch


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_acts_as_the_planner_in_torch(name: str, tmp_path: Path) -> None:
    in_onnx, in_torch = both(tmp_path, ALGORITHMS[name])
    rows = observation(in_onnx.parts, 70)
    actions = in_torch.act(rows)
    assert np.abs(in_onnx.act(rows) - actions).max() <= TOLERANCE and actions.std(axis=0).min() > 0.01
    values = in_torch.values(rows)
    if values is not None:
        assert np.abs(in_onnx.values(rows) - values).max() <= TOLERANCE


def test_pictures_go_in_as_bytes(tmp_path: Path) -> None:
    in_onnx, in_torch = both(tmp_path, SEEING, pictures=True)
    rows = observation(in_onnx.parts, 3)
    assert rows["images"].dtype == np.uint8
    assert np.abs(in_onnx.act(rows) - in_torch.act(rows)).max() <= TOLERANCE


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("name", ["hcrmp", "gru"])
def test_the_file_alone_takes_any_batch(name: str, rows: int, tmp_path: Path) -> None:
    """As whoever has no hcrmp uses it: named inputs, named outputs, actions in [-1, 1]."""
    in_onnx, in_torch = both(tmp_path, ALGORITHMS[name])
    session = runtime.InferenceSession(tmp_path / ONNX_FILE, providers=["CPUExecutionProvider"])
    given = observation(in_onnx.parts, rows)
    action, told, values = session.run(["action", "distribution", "values"], given)
    assert action.shape == (rows, 2) and told.shape == (rows, 4) and values.shape == (rows, 3)
    assert np.abs(action - in_torch.act(given)).max() <= TOLERANCE
    mode = 2.0 * (told[:, :2] - 1.0) / (told[:, :2] + told[:, 2:] - 2.0) - 1.0  # of a Beta on [-1, 1]
    assert np.abs(action - mode).max() <= 1e-4


@pytest.mark.parametrize("name", ["hcrmp", "gaussian", "sac"])
def test_samples_have_the_moments_of_the_distribution(name: str, tmp_path: Path) -> None:
    shared(tmp_path, ALGORITHMS[name], "onnx")
    policy: Any = load_policy(tmp_path, deterministic=False)
    assert isinstance(policy, OnnxPolicy)
    one = observation(policy.parts, 1)
    many = {key: np.repeat(part, 4096, axis=0) for key, part in one.items()}
    drawn = policy.act(many)
    first, second = np.split(policy._of("distribution", one)[0].astype(float), 2)
    if name == "hcrmp":
        mean = 2.0 * first / (first + second) - 1.0
        deviation = 2.0 * np.sqrt(first * second / (first + second) ** 2 / (first + second + 1.0))
        assert np.abs(drawn.mean(axis=0) - mean).max() < 0.05 and np.abs(drawn.std(axis=0) / deviation - 1).max() < 0.1
    median = np.tanh(first) if name == "sac" else np.clip(first, -1.0, 1.0)
    if name != "hcrmp":
        assert np.abs(np.median(drawn, axis=0) - median).max() < 0.1
    assert np.abs(drawn).max() <= 1.0 and drawn.std(axis=0).min() > 0.05


# ---- what is refused


def graph_with(change: Callable[[Any], object], name: str = "hcrmp") -> bytes:
    model = onnx.load_model_from_string(files_of(ALGORITHMS[name], "onnx")[ONNX_FILE])
    change(model)
    content: bytes = model.SerializeToString()
    return content


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def loop(model: Any) -> None:
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", [], ["x"], body=body))


def hidden_graph(model: Any) -> None:
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("body", body))


def enormous(model: Any) -> None:
    """Two small columns become a table of 10^12 numbers, whose every number is thrown away."""
    helper = onnx.helper
    shape = helper.make_tensor("sides", 7, [2], [10**6, 10**6])
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("ConstantOfShape", ["sides"], ["table"]))


def unknown_size(model: Any) -> None:
    """A size that depends on the observation: nobody can say how large the result will be."""
    helper = onnx.helper
    cast = helper.make_node("Cast", ["state"], ["whole"], to=7)
    shape = helper.make_node("Reshape", ["whole", "all"], ["sizes"])
    model.graph.initializer.append(helper.make_tensor("all", 7, [1], [-1]))
    model.graph.node.extend([cast, shape, helper.make_node("ConstantOfShape", ["sizes"], ["table"])])


def set_weight(value: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor = model.graph.initializer[0]
        tensor.raw_data = np.float32(value).tobytes() + tensor.raw_data[4:]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (external, "wants to read another file"),
        (loop, "operator .Loop, which is not run"),
        (hidden_graph, "has a graph within"),
        (lambda m: setattr(m.graph.node[0], "domain", "evil"), "operator evil.Identity"),
        (lambda m: setattr(m.graph.node[0], "op_type", "Einsum"), "operator .Einsum"),
        (lambda m: m.opset_import.add(domain="evil", version=1), "needs the operators .*evil"),
        (lambda m: setattr(m.opset_import[0], "version", 99), "needs the operators"),
        (lambda m: m.functions.add(name="f", domain="evil"), "defines functions"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40), "claims .* numbers of the shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -1), "has the shape"),
        (lambda m: setattr(m.graph.initializer[0], "raw_data", b""), "and 0 are there"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 8), "numbers of type 8"),
        (set_weight(float("nan")), "holds NaN or infinite"),
        (set_weight(float("inf")), "holds NaN or infinite"),
        (enormous, "unknown or enormous size"),
        (unknown_size, "unknown or enormous size"),
        (lambda m: m.graph.node.pop(), "gives distribution, which none of its operators makes"),
        (lambda m: m.graph.node[-1].input.__setitem__(0, "state"), "no sound graph"),
        (lambda m: m.graph.node.extend([m.graph.node[0]] * 20_001), "operators, at most 20,000"),
        (lambda m: m.metadata_props.pop(), "does not say what it observes"),
        (lambda m: setattr(m.metadata_props[0], "value", "{"), "no JSON"),
        (lambda m: setattr(m.graph.input[0], "name", "other"), "takes .*other.*, and its metadata describe"),
        (lambda m: setattr(m.graph.output[0], "name", "other"), "gives .*expected action"),
    ],
)
def test_a_graph_that_could_harm_is_refused_before_it_is_run(
    change: Callable[[Any], object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "InferenceSession", None)
    write(tmp_path, {ONNX_FILE: graph_with(change)})
    with pytest.raises(UntrustedFileError, match=words) as error:
        load_policy(tmp_path / ONNX_FILE)
    assert str(error.value).isprintable()


def test_actions_beyond_their_bounds_are_not_passed_on(tmp_path: Path) -> None:
    def unbound(model: Any) -> None:
        last = next(node for node in model.graph.node if "action" in node.output)
        last.output[0] = "bound"
        model.graph.node.append(onnx.helper.make_node("Add", ["bound", "two"], ["action"]))
        model.graph.initializer.append(onnx.helper.make_tensor("two", 1, [1], [2.0]))

    write(tmp_path, {ONNX_FILE: graph_with(unbound)})
    policy = load_policy(tmp_path)
    with pytest.raises(SharedPlannerError, match=r"beyond \[-1, 1\]"):
        policy.act(observation(policy.parts))


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x80\x02cos\nsystem\n", b"\x08" * 5000])
def test_what_is_no_onnx_file(content: bytes, tmp_path: Path) -> None:
    write(tmp_path, {ONNX_FILE: content})
    with pytest.raises(UntrustedFileError, match="no ONNX file|does not say"):
        load_policy(tmp_path)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_the_extra_is_named_where_it_is_missing(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared(tmp_path, ALGORITHMS["ppo"], "onnx")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"hcrmp\[onnx\]"):
        load_policy(tmp_path)


def test_a_planner_without_its_distribution_draws_no_samples(tmp_path: Path) -> None:
    def forget(model: Any) -> None:
        del model.graph.output[1]

    write(tmp_path, {ONNX_FILE: graph_with(forget)})
    assert load_policy(tmp_path).act(observation(load_policy(tmp_path).parts)).shape == (5, 2)
    with pytest.raises(SharedPlannerError, match="no distribution"):
        load_policy(tmp_path, deterministic=False)
