"""The networks: shapes, what they read, and that SB3's entry points and ours agree."""

from typing import Any

import numpy as np
import pytest
import torch as th
from gymnasium import spaces

from hcrmp.encoders import GruConfig, ScanPlace
from hcrmp.policy import MultiCriticPolicy, PolicyConfig

STATE = 3 + 2 * 4 * 2 + 2
"""Three numbers, a scan of 2 frames x 4 rays x 2 channels, two numbers."""
SCAN = ScanPlace(start=3, frames=2, rays=4)
SPACE = spaces.Dict(
    {
        "state": spaces.Box(-1, 1, (STATE,), np.float32),
        "hint": spaces.Box(-1, 1, (13,), np.float32),
        "critic_weights": spaces.Box(0, 1, (3,), np.float32),
    }
)
ACTION = spaces.Box(-1.0, 1.0, (2,), np.float32)
KEYS = ("state", "hint")


def make(keys: tuple[str, ...] = KEYS, **settings: Any) -> MultiCriticPolicy:
    th.manual_seed(0)
    config = PolicyConfig(actor_layers=(8,), critic_layers=(8,), gru=GruConfig(6, 5), **settings)
    return MultiCriticPolicy(SPACE, ACTION, lambda _: 1e-3, config=config, input_keys=keys, scan=SCAN)


def observation(batch: int = 6) -> dict[str, th.Tensor]:
    th.manual_seed(1)
    return {key: th.rand(batch, *(part.shape or ())) for key, part in SPACE.spaces.items()}


VARIANTS: list[dict[str, Any]] = [
    {},
    {"critic_trunk": "separate"},
    {"distribution": "gaussian"},
    {"encoder": "gru"},
    {"encoder": "gru", "share_encoder": False},
]


@pytest.mark.parametrize("settings", VARIANTS)
def test_rows_and_observations_agree(settings: dict[str, Any]) -> None:
    policy, seen = make(**settings), observation()
    rows = policy.layout.gather(seen)
    actions, parameters = policy.act(rows)
    assert actions.shape == (6, 2)
    values, log_prob, entropy = policy.evaluate_rows(rows, actions)
    assert values.shape == (6, 3) and log_prob.shape == entropy.shape == (6,)
    theirs = policy.evaluate_actions(seen, actions)
    assert theirs[2] is not None
    for ours, other in zip((values, log_prob, entropy), theirs, strict=True):
        assert th.allclose(ours, other)  # type: ignore[arg-type]
    assert th.allclose(policy.log_prob_of(parameters, actions), log_prob)
    assert th.allclose(policy.predict_row_values(rows), values)
    assert th.allclose(policy.predict_values(seen), values)
    assert policy(seen)[1].shape == (6, 3)


@pytest.mark.parametrize("settings", VARIANTS)
def test_every_parameter_gets_a_gradient(settings: dict[str, Any]) -> None:
    policy, rows = make(**settings), make(**settings).layout.gather(observation())
    values, log_prob, entropy = policy.evaluate_rows(rows, policy.act(rows)[0])
    (values.sum() + log_prob.sum() + entropy.sum()).backward()  # type: ignore[no-untyped-call]
    assert [name for name, parameter in policy.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize(("keys", "read"), [(("state",), ["state"]), (KEYS, ["hint", "state"])])
def test_the_networks_read_their_keys_and_nothing_else(keys: tuple[str, ...], read: list[str]) -> None:
    policy, before = make(keys), observation()
    reference, changing = policy.predict_values(before), []
    for key in SPACE.spaces:
        changed = {**before, key: before[key] + 0.5}
        if not th.allclose(policy.predict_values(changed), reference):
            changing.append(key)
    assert sorted(changing) == read


def test_the_gru_reads_the_scan_in_the_order_of_its_frames() -> None:
    policy, seen = make(("state",), encoder="gru"), observation()
    assert policy.features_dim == STATE - SCAN.size + 5
    swapped = seen["state"].clone()
    swapped[:, 3:11], swapped[:, 11:19] = seen["state"][:, 11:19], seen["state"][:, 3:11]
    reference = policy.features_extractor(seen)
    features = policy.features_extractor({"state": swapped})
    assert th.equal(features[:, :3], seen["state"][:, :3]) and th.equal(features[:, -2:], seen["state"][:, -2:])
    assert not th.allclose(features[:, 3:8], reference[:, 3:8])


def test_separate_critics_share_nothing() -> None:
    policy = make(critic_trunk="separate")
    rows = policy.layout.gather(observation())
    policy.predict_row_values(rows)[:, 1].sum().backward()  # type: ignore[no-untyped-call]
    parameters = policy.value_net.named_parameters(prefix="value_net")
    touched = {name.split(".")[2] for name, p in parameters if p.grad is not None and p.grad.abs().sum() > 0}
    assert touched == {"1"}


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ValueError, match=r"acts in \[-1, 1\]"):
        MultiCriticPolicy(SPACE, spaces.Box(0.0, 2.0, (2,), np.float32), lambda _: 1e-3)
    with pytest.raises(ValueError, match="use_sde=True"):
        MultiCriticPolicy(SPACE, ACTION, lambda _: 1e-3, use_sde=True)
    with pytest.raises(ValueError, match="without a scan"):
        MultiCriticPolicy(SPACE, ACTION, lambda _: 1e-3, config=PolicyConfig(encoder="gru"))
    far = ScanPlace(start=10, frames=2, rays=4)
    with pytest.raises(ValueError, match=f"but the state has {STATE} numbers"):
        MultiCriticPolicy(SPACE, ACTION, lambda _: 1e-3, config=PolicyConfig(encoder="gru"), scan=far)
    with pytest.raises(ValueError, match="no 'map'"):
        MultiCriticPolicy(SPACE, ACTION, lambda _: 1e-3, input_keys=("state", "map"))
