"""`gfla demo`: trains both stages of the synthetic preset from scratch, evaluates, and writes one HTML
report.
"""

from pathlib import Path

HELP = "train, evaluate and report the small model from scratch, in one go"

_CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"


def add_arguments(parser):
    """Adds the command's arguments to an argparse parser."""
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as for gfla train"
    )
    parser.add_argument("--out", default="demo", metavar="DIR", help="the run folder to make (default: demo)")
    parser.add_argument(
        "--config", default=_CONFIG, metavar="YAML", help="the configuration (default: the demo's)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted demo")
    parser.add_argument("--pairs", type=int, default=600, help="held-out pairs to measure (default: 600)")
    parser.add_argument("--rows", type=int, default=10, help="held-out pairs to show (default: 10)")
    parser.add_argument(
        "--mean-images", type=int, default=2000, help="targets in the mean image (default: 2000)"
    )


def run(args):
    """Runs the demo and says where its report is.

    Raises:
      InputError: the run folder is in use, or a setting is wrong.
    """
    import time

    from gfla_tf.cli.progress import progress_bar
    from gfla_tf.config import load_config
    from gfla_tf.evaluation import TARGETS, targets_table
    from gfla_tf.evaluation.result import table_to_text
    from gfla_tf.report import report_run
    from gfla_tf.training.callbacks import clock
    from gfla_tf.training.run import train

    started = time.monotonic()
    config = load_config(args.config, args.overrides)
    trained = train(config, args.out, resume=args.resume)
    reported = report_run(
        trained.model,
        trained.dataset,
        args.out,
        title="Persons in new poses, learnt from scratch",
        lead="Both stages of the synthetic preset, trained on drawn people and measured on others.",
        facts=_facts(config, trained, clock(time.monotonic() - started)),
        make_targets=TARGETS["demo"],
        pairs=args.pairs,
        rows=args.rows,
        mean_images=args.mean_images,
        progress=progress_bar("evaluating held-out people"),
        force=args.resume,
    )
    print(reported.result.to_text())
    print(table_to_text(targets_table(reported.targets)))
    print(f"\n{clock(time.monotonic() - started)} in all. The report: {reported.report.resolve()}")
    return 0


def _facts(config, trained, duration):
    """What was run, as (name, value) pairs for the report."""
    stages = (("Stage 1", config.stage1), ("Stage 2", config.stage2))
    height, width = trained.dataset.image_size
    return [
        ("Data", f"SyntheticPeople, seed {config.data.seed}, {width} x {height} pixels"),
        ("Training people", f"{config.data.identities:,} ({trained.dataset.num_pairs('train'):,} pairs)"),
        ("Held-out people", f"{config.data.test_identities:,} others"),
        ("Parameters of the model", f"{trained.model.count_params():,}"),
        *(
            (name, f"{stage.epochs} epochs of {stage.steps_per_epoch} steps, batch {config.batch_size}")
            for name, stage in stages
        ),
        ("Training took", duration),
    ]
