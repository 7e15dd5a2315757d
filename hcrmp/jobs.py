"""The subcommands of ``hcrmp``: what each does, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Job:
    """One subcommand: what it does, and ``module`` whose ``run(config) -> int`` does it.

    ``positional`` is the key that a word without ``=`` is the value of, ``positionals`` the one that all such words
    are the list of; ``aliases`` are other words for keys, of lists of one where the key ends with ``[]``.
    """

    module: str
    summary: str
    examples: tuple[str, ...]
    positional: str = ""
    positionals: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)


JOBS: dict[str, Job] = {
    "train": Job(
        "hcrmp.train",
        "Train a planner; it becomes a run folder.",
        (
            "hcrmp train scenario=merging density=high hints=rules algo=hcrmp",
            "hcrmp train run=tuned seed=3 total_steps=5_000_000 algo.learning_rate=1e-4",
            "hcrmp train hints=openai base_url=http://127.0.0.1:8000/v1 model=NAME hints.service.mode=realtime",
            "hcrmp train run=tuned resume=true",
        ),
    ),
    "evaluate": Job(
        "hcrmp.evaluate",
        "Drive planners through seeded episodes, compare them; tables with intervals, and JSON.",
        (
            "hcrmp evaluate planners=[bundled,runs/tuned,'hcrmp-*',reference] protocol=paper",
            "hcrmp evaluate run=runs/tuned scenario=all episodes=100",
            "hcrmp evaluate run=runs/tuned scenario=overtaking density=high hints=faulty",
            "hcrmp evaluate planner=bundled scenario=route",
        ),
        aliases={"planner": "planners[]"},
    ),
    "robustness": Job(
        "hcrmp.robustness.job",
        "Measure trained planners with more and more of their hints wrong; a plot and tables.",
        (
            "hcrmp robustness runs=[hinted,llm_dominated] rates=[0,0.42,1] wrong_modes=[inverted] episodes=50",
            "hcrmp robustness runs=[paper-*] when=training output=robustness_of_training",
        ),
    ),
    "replay": Job(
        "hcrmp.replay",
        "Show a recorded drive, simulate it again, or let somebody else take over.",
        (
            "hcrmp replay run=runs/tuned episode=merging-high-3",
            "hcrmp replay run=runs/tuned episode=worst video=gif",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow frame=12.4",
            "hcrmp replay run=runs/tuned episode=worst --beside best",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow --exact",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow --from 4.2 --planner reference",
            "hcrmp replay run=runs/tuned episode=worst --every 0.5 --planner [other_run,reference]",
        ),
        positional="drive",
        aliases={"from": "from_s"},
    ),
    "import": Job(
        "hcrmp.import_job",
        "Turn a recording of a CARLA server into a drive, without a server.",
        ("hcrmp import recording.log map_folder=maps", "hcrmp import recording.log ego=174 period_s=0.1"),
        positional="recording",
    ),
    "export": Job(
        "hcrmp.export_job",
        "Write a drive for Foxglove, Rerun, a spreadsheet, or CARLA's replayer.",
        ("hcrmp export runs/tuned/drives/merging-high-3.arrow to=mcap", "hcrmp export drive.arrow to=log"),
        positional="drive",
    ),
    "report": Job(
        "hcrmp.report.job",
        "Tell of runs and evaluations on one self-contained page, and in CARLA Leaderboard's layout.",
        (
            "hcrmp report runs/tuned",
            "hcrmp report hcrmp-0 hcrmp-1 llm_reward-0 cruise robustness/robustness.json output=report",
            "hcrmp report hcrmp-* labels=[planner-paper]",
        ),
        positionals="runs",
    ),
    "share": Job(
        "hcrmp.share.job",
        "Write a trained planner for others: safetensors, ONNX and a model card, without a pickle.",
        (
            "hcrmp share runs/tuned",
            "hcrmp share runs/tuned to=all output=tuned_planner",
        ),
        positional="run",
    ),
    "reproduce": Job(
        "hcrmp.reproduce.job",
        "Make a run again and tell what is not as it was; exit status 0: identical, 1: it differs.",
        ("hcrmp reproduce runs/tuned", "hcrmp reproduce runs/tuned what=evaluation labels=[planner-paper]"),
        positional="run",
    ),
    "reproduce paper": Job(
        "hcrmp.paper.job",
        "Make the paper's tables on our published protocol: trainings, evaluations, Markdown, JSON and figures.",
        ("hcrmp reproduce paper table=1", "hcrmp reproduce paper table=3 only_tell=true", "hcrmp reproduce paper"),
    ),
    "demo": Job(
        "hcrmp.demo",
        "All three jobs in a few minutes: train, evaluate against naive drivers, replay.",
        ("hcrmp demo", "hcrmp demo seed=1 run=second_demo"),
    ),
    "doctor": Job(
        "hcrmp.doctor",
        "Look at CARLA servers and what they need: versions, ports, GPU, Vulkan, a clock that was left behind.",
        ("hcrmp doctor", "hcrmp doctor servers=[127.0.0.1:2000,node7:2000]", "hcrmp doctor --unstick"),
    ),
    "hints ask": Job(
        "hcrmp.hints_ask",
        "Show a scene as a language model is told of it, and its answer.",
        ("hcrmp hints ask hints=bundled", "hcrmp hints ask family=road_works seed=3"),
    ),
    "hints benchmark": Job(
        "hcrmp.hints_benchmark",
        "Ask a language model what is known, and count how often it is wrong.",
        ("hcrmp hints benchmark hints=bundled", "hcrmp hints benchmark hints=rules scenes=2000 seed=1"),
    ),
    "hints stability": Job(
        "hcrmp.hints_stability",
        "Ask a language model about the same scenes again and again, with and without anchors.",
        ("hcrmp hints stability hints=bundled", "hcrmp hints stability scenes=200 repeats=30 families=[cut_in]"),
    ),
    "hints train": Job(
        "hcrmp.hints_train",
        "Make a small language model of hints, as the bundled one was made (an hour).",
        ("hcrmp hints train", "hcrmp hints train steps=500 scenes=2000 output=runs/small_model"),
    ),
    "hints tune": Job(
        "hcrmp.hints_tune",
        "Tune a larger language model with LoRA on the scenes that the bundled one was taught with.",
        ("hcrmp hints tune model=models/qwen output=runs/tuned_qwen", "hcrmp hints tune model=models/qwen steps=200"),
    ),
    "serve": Job(
        "hcrmp.serve",
        "Serve the simulator to CARLA's own client, without CARLA.",
        ("hcrmp serve map=town port=2000", "hcrmp serve map=Town02 map_folder=maps synchronous=true"),
    ),
}
