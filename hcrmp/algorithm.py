"""Multi-critic PPO: the planner's algorithm (the paper's decision process and CSA), on Stable-Baselines3's PPO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import GymEnv
from stable_baselines3.common.utils import explained_variance
from stable_baselines3.common.vec_env import VecEnv

from hcrmp.algorithm_config import HcrmpConfig, LinearSchedule, policy_arguments
from hcrmp.buffer import Minibatch, MultiCriticRolloutBuffer
from hcrmp.encoders import STATE_KEY, WEIGHTS_KEY, InputLayout, ScanPlace, image_keys
from hcrmp.errors import TrainingDivergedError
from hcrmp.exploration import coloured_noise
from hcrmp.gae import Float32Array
from hcrmp.losses import approximate_kl, clipped_policy_loss, combine_advantages, standardise, value_loss
from hcrmp.policy import MultiCriticPolicy
from hcrmp.transitions import get_reward_terms, stack_observations, truncated_episodes
from hcrmp.weights import HINTED, ReturnScale, check_weights, constant_weights, of_other_worlds

STATISTICS = ("approx_kl", "policy_gradient_loss", "value_loss", "entropy_loss", "clip_fraction", "loss")
"""What ``MultiCriticPPO._loss`` reports of a minibatch, under SB3's names, before the critics' squared errors."""


class MultiCriticPPO(PPO):
    """PPO with N critics whose advantages are weighted by hints (Eq. 2 and 3).

    The environment is a VecEnv with a Dict observation: ``state`` ``(B, n)``, ``hint`` ``(B, 13)`` where ``asr``,
    ``critic_weights`` ``(B, N)`` where ``csa`` or ``weights_in_state`` need it; rewards: ``get_reward_terms``.
    ``scan`` says where the range scan lies in ``state``, which only ``policy.encoder="gru"`` asks for.
    With one critic and constant weights it is SB3's PPO, seed for seed (``tests/hcrmp/test_reduction.py``).
    """

    policy_aliases: ClassVar[dict[str, type[BasePolicy]]] = {"MultiCriticPolicy": MultiCriticPolicy}
    rollout_buffer: MultiCriticRolloutBuffer
    policy: MultiCriticPolicy

    def __init__(
        self,
        policy: str | type[MultiCriticPolicy] = MultiCriticPolicy,
        env: GymEnv | str | None = None,
        config: HcrmpConfig | None = None,
        *,
        scan: ScanPlace | None = None,
        seed: int | None = None,
        device: th.device | str = "auto",
        tensorboard_log: str | None = None,
        verbose: int = 0,
        _init_setup_model: bool = True,
    ) -> None:
        self.config = config or HcrmpConfig()
        self.scan = scan
        super().__init__(
            policy,
            env,  # type: ignore[arg-type]
            learning_rate=LinearSchedule(self.config.learning_rate, self.config.final_learning_rate_share),
            n_steps=self.config.n_steps,
            batch_size=self.config.batch_size,
            n_epochs=self.config.n_epochs,
            gamma=self.config.gamma,
            gae_lambda=self.config.gae_lambda,
            clip_range=self.config.clip_range,
            normalize_advantage=self.config.standardise_after,
            ent_coef=self.config.ent_coef,
            vf_coef=self.config.vf_coef,
            max_grad_norm=self.config.max_grad_norm,
            target_kl=self.config.target_kl,
            tensorboard_log=tensorboard_log,
            verbose=verbose,
            seed=seed,
            device=device,
            _init_setup_model=_init_setup_model,
        )

    def _setup_model(self) -> None:
        """Create policy and buffer from the config and the spaces of the environment."""
        config = self.config
        keys = (*config.input_keys, *image_keys(self.observation_space))
        layout = InputLayout(self.observation_space, keys)
        self._check_weights_space()
        self.policy_kwargs = policy_arguments(config, keys, self.scan)
        assert isinstance(self.action_space, spaces.Box)
        actions = int(np.prod(self.action_space.shape))
        self.rollout_buffer_class = MultiCriticRolloutBuffer
        self.rollout_buffer_kwargs = {
            "critics": len(config.value_names),
            "terms": len(config.critics),
            "layout": layout,
            "parameter_size": actions if config.policy.distribution == "gaussian" else 2 * actions,
        }
        super()._setup_model()

    def _check_weights_space(self) -> None:
        if self.config.csa not in HINTED or len(self.config.critics) == 1:
            return
        InputLayout(self.observation_space, (WEIGHTS_KEY,))
        assert isinstance(self.observation_space, spaces.Dict)
        shape, critics = self.observation_space[WEIGHTS_KEY].shape, self.config.critics
        if shape != (len(critics),):
            raise ValueError(f"critic_weights has shape {shape}, but the critics are {critics}; give one each")

    def _update_learning_rate(self, optimizers: list[th.optim.Optimizer] | th.optim.Optimizer) -> None:
        super()._update_learning_rate(optimizers)
        self.policy.set_learning_rate(self.lr_schedule(self._current_progress_remaining))

    # ---- rollout

    def collect_rollouts(
        self, env: VecEnv, callback: BaseCallback, rollout_buffer: RolloutBuffer, n_rollout_steps: int
    ) -> bool:
        """Fill the buffer with ``n_rollout_steps`` of every environment; False where a callback stopped it.

        Values and log-densities do not choose actions, so they are computed afterwards, over the rollout at once.
        """
        assert isinstance(rollout_buffer, MultiCriticRolloutBuffer) and self._last_obs is not None
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        truncated: list[tuple[int, int, Any]] = []
        noise = self._draw_noise(n_rollout_steps, env.num_envs)
        while rollout_buffer.pos < n_rollout_steps:
            rows = rollout_buffer.write_observation(self._last_obs, self._weights_now(), self._last_episode_starts)  # type: ignore[arg-type]
            actions, parameters = self._act(rows, None if noise is None else noise[rollout_buffer.pos])
            new_obs, rewards, dones, infos = env.step(self._within_bounds(actions))
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
            truncated += truncated_episodes(rollout_buffer.pos, dones, infos)
            terms = get_reward_terms(env, infos, rewards, len(self.config.critics))
            rollout_buffer.write_outcome(actions, parameters, terms, dones)
            self._last_obs, self._last_episode_starts = new_obs, dones  # type: ignore[assignment]
        self._settle_weights(rollout_buffer)
        self._evaluate_rollout(rollout_buffer, truncated)
        self._record_rollout(rollout_buffer)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _draw_noise(self, steps: int, worlds: int) -> th.Tensor | None:
        """Return the normal numbers ``(steps, B, D_a)`` that a rollout explores with; None: the actor draws its own."""
        if self.config.noise_colour == 0.0:
            return None
        assert isinstance(self.action_space, spaces.Box)
        return coloured_noise(steps, (worlds, int(np.prod(self.action_space.shape))), self.config.noise_colour)

    def _act(self, rows: Float32Array, noise: th.Tensor | None) -> tuple[Float32Array, Float32Array]:
        with th.no_grad():
            actions, parameters = self.policy.act(th.from_numpy(rows).to(self.device), noise)
        return actions.cpu().numpy(), parameters.cpu().numpy()

    def _within_bounds(self, actions: Float32Array) -> npt.NDArray[Any]:
        """Clip what the Gaussian samples outside of the action space (as SB3); the Beta never does."""
        assert isinstance(self.action_space, spaces.Box)
        shaped = actions.reshape(-1, *self.action_space.shape)
        if self.config.policy.distribution == "beta":
            return shaped
        return np.clip(shaped, self.action_space.low, self.action_space.high)

    def _weights_now(self) -> npt.NDArray[Any]:
        """Return the weights that hold in this step, ``(B, N)`` or ``(N,)``; learnt ones come at the rollout's end."""
        if self.config.csa in HINTED and len(self.config.critics) > 1:
            assert isinstance(self._last_obs, Mapping)
            weights: npt.NDArray[Any] = self._last_obs[WEIGHTS_KEY]
            return weights
        constant = constant_weights(self.config.csa, len(self.config.critics), self.config.fixed_weights)
        return np.ones(1, dtype=np.float32) if constant is None or len(constant) == 1 else constant

    def _evaluate_rollout(self, buffer: MultiCriticRolloutBuffer, truncated: list[tuple[int, int, Any]]) -> None:
        """Compute log-densities, values, and from them the advantages and returns of every critic."""
        with th.no_grad():
            log_probs = self.policy.log_prob_of(buffer.flat(buffer.parameters), buffer.flat(buffer.actions))
            values = self._over_rollout(self.policy.predict_row_values, buffer)
        buffer.log_probs = log_probs.cpu().numpy().reshape(buffer.log_probs.shape)
        buffer.values = values.cpu().numpy().reshape(buffer.values.shape)
        if truncated:
            steps, worlds, observations = zip(*truncated, strict=True)
            # A cut-off episode would have gone on: its last reward gets the value of where it stopped.
            worth = self.gamma * self._values_of(stack_observations(observations))
            buffer.add_to_rewards(list(steps), list(worlds), worth)
        assert self._last_obs is not None
        buffer.finish(self._values_of(self._last_obs))
        self.policy.return_scale.update(buffer.returns)

    def _over_rollout(self, function: Callable[[th.Tensor], th.Tensor], buffer: MultiCriticRolloutBuffer) -> th.Tensor:
        """Return ``function`` of all rows of a finished rollout, as many at once as fit in memory."""
        # Pictures take the memory of a minibatch's worth of activations for the same number of rows.
        at_once = self.config.batch_size if buffer.layout.bytes_of else self.config.evaluation_rows
        return th.cat([function(rows) for rows in th.split(buffer.flat(buffer.rows), at_once)])

    def _values_of(self, observation: Any) -> Float32Array:
        """Return the critics' values ``(M, N)`` of an observation, each part ``(M, ...)``."""
        first = observation[STATE_KEY] if isinstance(observation, Mapping) else observation
        rows = np.empty((len(first), self.rollout_buffer.layout.size), dtype=np.float32)
        self.rollout_buffer.layout.write(observation, rows)
        with th.no_grad():
            values: Float32Array = self.policy.predict_row_values(th.from_numpy(rows).to(self.device)).cpu().numpy()
        return values

    def _settle_weights(self, buffer: MultiCriticRolloutBuffer) -> None:
        """Check the weights of the finished rollout; anchor, compute or apply to the reward where configured."""
        if self.config.csa in HINTED and len(self.config.critics) > 1:
            check_weights(buffer.weights)
        if self.config.csa == "shuffled":
            buffer.weights = of_other_worlds(buffer.weights)
        if self.policy.mean_anchor is not None:
            buffer.weights = self.policy.mean_anchor.anchor(buffer.weights)
        if self.policy.weight_net is not None:
            with th.no_grad():
                weights = self._over_rollout(self.policy.attention_weights, buffer)
            buffer.weights = weights.cpu().numpy().reshape(buffer.weights.shape)
        if self.config.weights_on == "reward":
            scale = self.policy.term_scale
            if scale is not None:
                scale.update(buffer.returns_of_terms())
            buffer.weigh_rewards(1.0 if scale is None else scale.scale.cpu().numpy())

    # ---- update

    def train(self) -> None:
        """Update the networks on the rollout: ``n_epochs`` passes in minibatches."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        samples = self._prepare_samples()
        statistics: list[th.Tensor] = []
        for _ in range(self.n_epochs):
            finished = self._train_epoch(samples, statistics)
            self._n_updates += 1
            if not finished:
                break
        self._record_update(statistics)
        self._check_finite(statistics)

    def _prepare_samples(self) -> Minibatch:
        """Return the rollout as tensors on the device, with each critic's advantages standardised where configured."""
        raw = self.rollout_buffer.flat(self.rollout_buffer.advantages)
        if self.config.standardise_before:
            raw = standardise(raw, ReturnScale.FLOOR)
        return self.rollout_buffer.samples(raw)

    def _train_epoch(self, samples: Minibatch, statistics: list[th.Tensor]) -> bool:
        """Take one pass; append each minibatch's statistics; False where the KL limit stopped it."""
        for minibatch in self.rollout_buffer.minibatches(samples, self.batch_size):
            loss, numbers = self._loss(minibatch)
            statistics.append(numbers)
            if self.target_kl is not None and float(numbers[0]) > 1.5 * self.target_kl:
                return False
            self.policy.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            th.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
        return True

    def _check_finite(self, statistics: list[th.Tensor]) -> None:
        """Refuse to go on with networks that a loss which is no number has made useless."""
        if not bool(th.stack(statistics).isfinite().all()):
            raise TrainingDivergedError(
                f"the loss is not finite any more, after {self.num_timesteps:,} decisions: the last checkpoint is of "
                "before. Go on from it (resume=true), or begin with a lower algo.learning_rate or algo.max_grad_norm"
            )

    def _loss(self, minibatch: Minibatch) -> tuple[th.Tensor, th.Tensor]:
        """Return a minibatch's loss and its statistics: those of ``STATISTICS``, then the critics' squared errors."""
        values, log_prob, entropy = self.policy.evaluate_rows(minibatch.rows, minibatch.actions)
        log_ratio = log_prob - minibatch.old_log_prob
        ratio = log_ratio.exp()
        advantage, weight_entropy = self._integrated_advantage(minibatch)
        policy_loss = clipped_policy_loss(ratio, advantage, float(self.config.clip_range))
        error = value_loss(values, minibatch.returns, self.policy.return_scale.scale)
        entropy_loss = -entropy.mean()
        loss = policy_loss + self.ent_coef * entropy_loss + self.vf_coef * error
        if weight_entropy is not None:
            loss = loss - self.config.attention_entropy_coef * weight_entropy
        with th.no_grad():
            clipped = ((ratio - 1.0).abs() > self.config.clip_range).float().mean()
            numbers = th.stack((approximate_kl(log_ratio), policy_loss, error, entropy_loss, clipped, loss))
            per_critic = (values - minibatch.returns).square().mean(dim=0)
            return loss, th.cat((numbers, per_critic))

    def _integrated_advantage(self, minibatch: Minibatch) -> tuple[th.Tensor, th.Tensor | None]:
        """Return ``A_int`` of Eq. 2, standardised where configured, and the entropy of learnt weights."""
        weights, entropy = minibatch.weights, None
        if self.policy.weight_net is not None:
            weights = self.policy.attention_weights(minibatch.rows)
            entropy = -(weights * weights.clamp_min(1e-8).log()).sum(dim=1).mean()
        if self.config.weights_on == "reward":
            advantage = minibatch.advantages[:, 0]  # which holds the weights already
        else:
            advantage = combine_advantages(minibatch.advantages, weights)
        return (standardise(advantage) if self.normalize_advantage else advantage), entropy

    # ---- records

    def _record_rollout(self, buffer: MultiCriticRolloutBuffer) -> None:
        for index, name in enumerate(self.config.value_names):
            returns, values = buffer.returns[..., index].ravel(), buffer.values[..., index].ravel()
            self.logger.record(f"critics/return_{name}", float(returns.mean()))
            self.logger.record(f"critics/explained_variance_{name}", explained_variance(values, returns))
            self.logger.record(f"critics/return_scale_{name}", float(self.policy.return_scale.scale[index]))
        for index, name in enumerate(self.config.critics):
            self.logger.record(f"critics/reward_{name}", float(buffer.reward_terms[..., index].mean()))
            self.logger.record(f"critics/weight_{name}", float(buffer.weights[..., index].mean()))
            self.logger.record(f"critics/weight_std_{name}", float(buffer.weights[..., index].std()))

    def _record_update(self, statistics: list[th.Tensor]) -> None:
        """Write the means over the update's minibatches; reading them once spares the device a wait per minibatch."""
        means = th.stack(statistics).mean(dim=0).cpu().tolist()
        for name, number in zip(STATISTICS, means, strict=False):
            self.logger.record(f"train/{name}", number)
        for name, number in zip(self.config.value_names, means[len(STATISTICS) :], strict=True):
            self.logger.record(f"critics/value_loss_{name}", number)
        if isinstance(getattr(self.policy, "log_std", None), th.Tensor):
            self.logger.record("train/std", float(self.policy.log_std.detach().exp().mean()))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
