"""A planner as one ONNX file with everything inside: observation in, actions in [-1, 1] out.

By the exporter of TorchScript (``dynamo=False``): it is in every torch that this project takes and needs ``onnx``
alone, where the newer one needs onnxscript and twenty times as long for the same operators.
"""

from __future__ import annotations

import importlib.util
import io
import json
import warnings
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch as th
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import nn

from hcrmp.distributions import BetaDistribution
from hcrmp.encoders import IMAGES_KEY, PlannerExtractor
from hcrmp.errors import UserError
from hcrmp.policy import MultiCriticPolicy
from hcrmp.share.document import PlannerDocument, document_dict
from hcrmp.share.networks import filled_networks

OPSET = 17
"""Version of the operators: ONNX Runtime 1.13 and newer know it."""
PLANNER_KEY = "planner"
"""Metadata: the document of the planner, as in ``planner.json``."""
ACTION, DISTRIBUTION, VALUES = "action", "distribution", "values"
Outputs = dict[str, th.Tensor]


def onnx_bytes(document: PlannerDocument, weights: Mapping[str, th.Tensor]) -> bytes:
    """Return the planner as the bytes of an ONNX file; needs the package ``onnx``."""
    if importlib.util.find_spec("onnx") is None:
        raise UserError('to=onnx needs the package onnx: pip install "hcrmp[onnx]"')
    import onnx

    graph = actor_graph(filled_networks(document, weights, document.name), document)
    rows = tuple(th.from_numpy(np.zeros((2, *document.parts[key].shape), document.parts[key].dtype))
                 for key in document.inputs)  # fmt: skip
    widths = graph.output_widths(rows)
    names = list(widths)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Of the exporter's age, and of shapes that are the same in every batch.
        warnings.simplefilter("ignore")
        th.onnx.export(
            graph, rows, cast(Any, stream), dynamo=False, opset_version=OPSET, input_names=list(document.inputs),
            output_names=names, dynamic_axes={name: {0: "batch"} for name in (*document.inputs, *names)},
        )  # fmt: skip
    model = onnx.load_model_from_string(stream.getvalue())
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_value = widths[output.name]
    model.doc_string = f"hcrmp planner {document.name}"
    onnx.helper.set_model_props(model, {PLANNER_KEY: json.dumps(document_dict(document), allow_nan=False)})
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


class Graph(nn.Module):
    """What is exported: parts of the observation to the outputs, in the order of ``outputs``."""

    def output_widths(self, rows: tuple[th.Tensor, ...]) -> dict[str, int]:
        """Return how many numbers a row of each output has."""
        with th.no_grad():
            return {name: output.shape[1] for name, output in self.outputs(*rows).items()}

    def forward(self, *parts: th.Tensor) -> tuple[th.Tensor, ...]:
        """Return the outputs."""
        return tuple(self.outputs(*parts).values())

    def outputs(self, *parts: th.Tensor) -> Outputs:
        """Return the outputs by name."""
        raise NotImplementedError


def actor_graph(policy: BasePolicy, document: PlannerDocument) -> Graph:
    """Return the graph of a planner's networks."""
    if isinstance(policy, MultiCriticPolicy):
        return MultiCriticGraph(policy, document.inputs)
    if isinstance(policy, ActorCriticPolicy):
        return PpoGraph(policy)
    assert isinstance(policy, (SACPolicy, TD3Policy))
    return OffPolicyGraph(policy)


class MultiCriticGraph(Graph):
    """HCRMP's planner: actor and critics. Weights that are learnt (``csa=attention``) only train: they stay behind."""

    def __init__(self, policy: MultiCriticPolicy, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.policy, self.inputs = policy, inputs

    def outputs(self, *parts: th.Tensor) -> Outputs:
        """Return action, distribution (Beta: alphas, betas; Gaussian: means, deviations) and values."""
        policy, seen = self.policy, dict(zip(self.inputs, parts, strict=True))
        features = self._features(policy.pi_features_extractor, seen)
        values = policy.value_net(policy.mlp_extractor.forward_critic(self._value_features(features, seen)))
        logits = policy.action_net(policy.mlp_extractor.forward_actor(features))
        distribution = policy._distribution(logits)
        if isinstance(distribution, BetaDistribution):
            action, told = distribution.mode(), distribution.concentration.flatten(1)
        else:
            action = logits.clamp(-1.0, 1.0)
            told = th.cat([logits, policy.log_std.exp().expand_as(logits)], dim=1)
        return {ACTION: action, DISTRIBUTION: told, VALUES: values}

    def _value_features(self, features: th.Tensor, seen: Mapping[str, th.Tensor]) -> th.Tensor:
        policy = self.policy
        if policy.vf_features_extractor is policy.pi_features_extractor:
            return features
        return self._features(policy.vf_features_extractor, seen)

    def _features(self, extractor: nn.Module, seen: Mapping[str, th.Tensor]) -> th.Tensor:
        assert isinstance(extractor, PlannerExtractor)
        numbers = [seen[key] for key in extractor.layout.slices if key not in extractor.layout.bytes_of]
        features = extractor.encode_numbers(th.cat(numbers, dim=1))
        if extractor.camera is None:
            return features
        return th.cat([features, extractor.camera(seen[IMAGES_KEY])], dim=1)


class PpoGraph(Graph):
    """SB3's PPO or A2C with fully connected networks."""

    def __init__(self, policy: ActorCriticPolicy) -> None:
        super().__init__()
        self.policy = policy

    def outputs(self, *parts: th.Tensor) -> Outputs:
        """Return action (the mean, clipped), distribution (means, deviations) and value."""
        latent_pi, latent_vf = self.policy.mlp_extractor(th.cat(parts, dim=1))
        mean = self.policy.action_net(latent_pi)
        told = th.cat([mean, self.policy.log_std.exp().expand_as(mean)], dim=1)
        return {ACTION: mean.clamp(-1.0, 1.0), DISTRIBUTION: told, VALUES: self.policy.value_net(latent_vf)}


class OffPolicyGraph(Graph):
    """SB3's SAC or TD3 with fully connected networks."""

    def __init__(self, policy: SACPolicy | TD3Policy) -> None:
        super().__init__()
        self.policy = policy

    def outputs(self, *parts: th.Tensor) -> Outputs:
        """Return action, the distribution before its tanh (SAC: means, deviations) and both Q values of the action."""
        row, policy = th.cat(parts, dim=1), self.policy
        if isinstance(policy, SACPolicy):
            mean, log_std, _ = policy.actor.get_action_dist_params(row)
            action, told = th.tanh(mean), {DISTRIBUTION: th.cat([mean, log_std.exp()], dim=1)}
        else:
            action, told = policy.actor(row), {}
        return {ACTION: action, **told, VALUES: th.cat(policy.critic(row, action), dim=1)}
