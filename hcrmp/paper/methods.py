"""The methods that the tables compare, by the name of their experiment, and which table has which."""

from __future__ import annotations

REFERENCE = "hcrmp"
"""The method that the others are compared with."""

METHODS: dict[str, str] = {
    "hcrmp": "**HCRMP**, hints of the rules expert",
    "hcrmp_bundled": "HCRMP, hints of the language model in the box",
    "hcrmp_wrong": "HCRMP, 42 % of the hints wrong, in training too",
    "no_asr": "without ASR (no state hint)",
    "no_csa": "without CSA (equal weights)",
    "fixed_mean": "fixed weights, the hints' mean .42/.45/.13",
    "fixed_mean_no_hints": "fixed weights, the hints' mean, and no state hint",
    "fixed_safe": "fixed weights .60/.30/.10",
    "fixed_fast": "fixed weights .25/.60/.15",
    "fixed_even": "fixed weights .43/.43/.14",
    "shuffled": "weights of another world",
    "anchored": "weights anchored at the hints' mean (ours)",
    "attention": "attention weights in place of CSA",
    "missing": "42 % of the answers missing, with SCM",
    "no_scm": "42 % of the answers missing, without SCM",
    "no_hints": "HCRMP without hints",
    "no_knowledge": "HCRMP, hints of a language model with random weights",
    "anchored_wrong": "weights anchored at the hints' mean, 42 % of the hints wrong, in training too",
    "checked_wrong": "HCRMP, 42 % of the hints wrong, those about who is not there refused",
    "checked_anchored_wrong": "weights anchored at the hints' mean, 42 % wrong, those about who is not there refused",
    "ppo": "plain PPO, tuned",
    "ppo_5x": "plain PPO, five times the budget",
    "sac": "plain SAC",
    "white": "HCRMP, exploring with white noise",
    "fixed_mean_white": "fixed weights, the hints' mean, exploring with white noise",
    "ppo_coloured": "plain PPO, exploring with coloured noise",
    "ppo_beta": "plain PPO with HCRMP's actor (Beta) and exploration",
    "llm_reward": "LLM-dominated reward",
    "llm_reward_wrong": "LLM-dominated reward, 42 % of the hints wrong, in training too",
    "inverted": "HCRMP, trained with inverted hints",
    "anchored_inverted": "mean-anchored weights, trained with inverted hints",
    "llm_reward_inverted": "LLM-dominated reward, trained with inverted hints",
    "few_rays": "HCRMP, 20 rays",
    "few_rays_no_asr": "without ASR, 20 rays",
    "few_rays_no_hints": "HCRMP without hints, 20 rays",
    "short_range": "HCRMP, 20 m",
    "short_range_no_asr": "without ASR, 20 m",
    "short_range_no_hints": "HCRMP without hints, 20 m",
    "noisy": "HCRMP, noise",
    "noisy_no_asr": "without ASR, noise",
    "noisy_no_hints": "HCRMP without hints, noise",
    "fine_routes": "HCRMP of the paper's cells, learnt on in routes",
    "fine_safebench": "HCRMP of the paper's cells, learnt on in SafeBench's eight",
    "fine_r157": "HCRMP of the paper's cells, learnt on in UN R157's situations",
    "agents": "HCRMP (`agents` observation)",
    "agents_ppo": "plain PPO (`agents` observation)",
}
"""What each is called in the tables. (safety / efficiency / comfort)"""

DRIVERS: dict[str, str] = {
    "reference": "reference driver, which knows all",
    "law_abiding": "obeys the rules",
    "keep_lane": "keeps its lane and its distance (floor)",
    "cruise": "drives on regardless (floor)",
    "full_throttle": "floors it (floor)",
}
"""Who does not learn."""

BOX = "bundled"
"""The planner in the box, which learnt everything."""

NAMES = METHODS | DRIVERS | {BOX: "the planner in the box"}

MAIN = (
    "hcrmp", "hcrmp_bundled", "hcrmp_wrong", "anchored_wrong", "checked_wrong",
    "checked_anchored_wrong", "ppo", "ppo_5x", "sac", "llm_reward", "llm_reward_wrong", "agents", "agents_ppo",
    "white", "ppo_coloured", "ppo_beta",
)  # fmt: skip

LEARN_ON = ("fine_routes", "fine_safebench", "fine_r157")
"""Methods that begin with the trained planner of the reference method with the same seed."""

STEPS: tuple[tuple[str, str, str], ...] = (
    ("ppo", "ppo_coloured", "exploration whose moments resemble each other"),
    ("ppo_coloured", "ppo_beta", "an actor whose distribution is a Beta"),
    ("ppo_beta", "no_csa", "a critic for each stream, each standardised, and the state hint; equal weights"),
    ("no_csa", "fixed_mean", "the weights' mean: that of the hints in place of equal ones"),
    ("fixed_mean", "shuffled", "weights that vary, whatever the state"),
    ("shuffled", "hcrmp", "weights that go by the state (CSA)"),
    ("ppo", "hcrmp", "all of these"),
    ("ppo_beta", "hcrmp", "all but actor and exploration"),
    ("fixed_mean", "hcrmp", "all that fixed weights at the hints' mean leave out"),
    ("no_asr", "hcrmp", "the state hint (ASR), everything else being there"),
    ("fixed_mean_no_hints", "fixed_mean", "the state hint, the weights being fixed"),
    ("white", "hcrmp", "exploration whose moments resemble each other, everything else being there"),
    ("fixed_mean_white", "fixed_mean", "such exploration, the weights being fixed"),
)
"""From plain PPO to HCRMP, one thing at a time: before, after, and what was added; then several of them together; then
what was taken away from HCRMP."""

OF_TABLE: dict[str, tuple[str, ...]] = {
    "1": MAIN,
    "2": MAIN,
    "3": (
        "hcrmp", "ppo", "no_asr", "no_csa", "fixed_mean", "fixed_mean_no_hints", "fixed_even", "fixed_safe",
        "fixed_fast", "shuffled", "anchored", "attention", "missing", "no_scm", "no_hints", "white",
        "fixed_mean_white", "ppo_coloured", "ppo_beta",
    ),
    "3b": ("hcrmp",),
    "4": ("hcrmp", "hcrmp_bundled", "hcrmp_wrong", "no_knowledge", "no_hints"),
    "5": ("hcrmp", "hcrmp_wrong", "llm_reward"),
    "robustness": (
        "hcrmp", "hcrmp_wrong", "inverted", "anchored", "anchored_wrong", "checked_wrong",
        "checked_anchored_wrong", "anchored_inverted", "llm_reward", "llm_reward_wrong", "llm_reward_inverted",
    ),
    "stability": (),
    "transfer": ("hcrmp", *LEARN_ON),
    "senses": (
        "hcrmp", "no_asr", "no_hints", "few_rays", "few_rays_no_asr", "few_rays_no_hints", "short_range",
        "short_range_no_asr", "short_range_no_hints", "noisy", "noisy_no_asr", "noisy_no_hints",
    ),
    "carla": ("hcrmp", "ppo"),
    "learning": ("hcrmp", "white", "hcrmp_bundled", "no_asr", "fixed_mean", "no_csa", "ppo", "llm_reward"),
}  # fmt: skip
"""The trained methods of each table."""
