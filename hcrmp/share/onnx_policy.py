"""A planner in an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from envs.untrusted.documents import read_bytes
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.distributions import BetaConfig
from hcrmp.drivers import Numbers, in_chunks
from hcrmp.errors import UserError
from hcrmp.share.document import PlannerDocument, SharedPlannerError
from hcrmp.share.onnx_check import checked_model
from hcrmp.share.onnx_export import ACTION, DISTRIBUTION, VALUES
from hcrmp.share.policies import Observation, checked_parts, known_weights, rows_in_pass, sound

LARGEST_FILE = 1 << 29


def open_onnx(path: Path, deterministic: bool = True, seed: int = 0) -> OnnxPolicy:
    """Return the planner in the file ``path``; ``seed`` decides its samples where it is not ``deterministic``."""
    content = read_bytes(path, LARGEST_FILE)
    document = checked_model(content, str(path))
    return OnnxPolicy(document, make_session(content, str(path)), deterministic, seed)


def read_onnx_document(path: Path) -> PlannerDocument:
    """Return the document in the file ``path``."""
    return checked_model(read_bytes(path, LARGEST_FILE), str(path))


def make_session(content: bytes, what: str, threads: int = 1) -> Any:
    """Return an ONNX Runtime session on the CPU, from bytes: there is no folder that it could read more from."""
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError('a planner in ONNX needs the extra: pip install "hcrmp[onnx]"') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 4
    try:
        # Without its fallback, which prints to the user's terminal and tries the same again.
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=False)
    except Exception as error:  # onnxruntime has a class for each of its states, under no common one
        raise SharedPlannerError(f"{what} cannot be run: {str(error).splitlines()[0]}") from error


class OnnxPolicy:
    """A planner run by ONNX Runtime; its actions are the run's to 1e-5."""

    def __init__(self, document: PlannerDocument, session: Any, deterministic: bool = True, seed: int = 0) -> None:
        self.document, self.session = document, session
        self.name, self.layout = document.name, document.layout
        self.parts = {key: document.parts[key] for key in document.inputs}
        self._outputs = [output.name for output in session.get_outputs()]
        if not deterministic and DISTRIBUTION not in self._outputs and document.action.distribution != "deterministic":
            raise SharedPlannerError(f"{document.name} gives no distribution to draw from: leave deterministic=true")
        self._rng = None if deterministic else np.random.default_rng(seed)

    def act(self, observation: Observation) -> Numbers:
        """Return the actions ``(B, 2)``."""
        if self._rng is None or DISTRIBUTION not in self._outputs:
            return sound(self._of(ACTION, observation), self.name)
        return sound(self._sampled(self._of(DISTRIBUTION, observation), self._rng), self.name)

    def values(self, observation: Observation) -> Numbers | None:
        """Return what its critics expect ``(B, N)``; None for a baseline."""
        if VALUES not in self._outputs or not isinstance(self.document.algorithm, HcrmpConfig):
            return None
        return self._of(VALUES, observation)

    def weights(self, observation: Observation) -> Numbers | None:
        """Return the weights of its critics ``(B, N)``; None where they were learnt, for those stay with the run."""
        return known_weights(self.document.algorithm, observation)

    def _of(self, name: str, observation: Observation) -> Numbers:
        def computed(part: Observation) -> Numbers:
            try:
                result: Numbers = self.session.run([name], dict(part))[0]
            except Exception as error:  # onnxruntime has a class for each of its states, under no common one
                raise SharedPlannerError(f"{self.name} cannot be run: {str(error).splitlines()[0]}") from error
            return result

        return in_chunks(computed, checked_parts(observation, self.parts), rows_in_pass(self.parts))

    def _sampled(self, numbers: Numbers, rng: np.random.Generator) -> Numbers:
        """Return a draw from each row's distribution, as the run would draw it."""
        first, second = np.split(np.asarray(numbers, np.float64), 2, axis=1)
        kind, options = self.document.action.distribution, self.document.algorithm
        if kind == "beta":
            beta = options.policy.beta if isinstance(options, HcrmpConfig) else BetaConfig()
            drawn = 2.0 * np.clip(rng.beta(first, second), beta.sample_margin, 1.0 - beta.sample_margin) - 1.0
        elif kind == "squashed_gaussian":
            drawn = np.tanh(rng.normal(first, second))
        else:
            drawn = np.clip(rng.normal(first, second), -1.0, 1.0)
        return drawn.astype(np.float32)
