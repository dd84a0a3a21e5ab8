"""Train and score DG-STA on DHG with each person left out once, and average."""

import argparse

from mmhand_flags import ToolParser, start_tool


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = ToolParser(__doc__)
    parser.add_argument('--data-root', required=True, help="DHG's folder")
    parser.add_argument('--classes', type=int, default=14, help='14 or 28')
    parser.add_argument('--subjects', type=int, nargs='+', default=list(range(1, 21)))
    parser.add_argument('--epochs', type=int, help='fewer than the 300 of the paper')
    parser.add_argument('--skeletons', help="file of each sequence instead of the sensor's")
    parser.add_argument('--work-dir', default='work_dirs/dg_sta_dhg')
    return parser.parse_args(argv)


start_tool(__name__, parse_args)

from pathlib import Path

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmhand.engine.results_file import write_results
from mmhand.utils.errors import HandDataError, cli_guard

_CONFIG = Path(__file__).parents[1] / 'configs/dg_sta_dhg.py'


@cli_guard
def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    scores = {}
    for subject in args.subjects:
        cfg = Config.fromfile(str(_CONFIG))
        init_default_scope('mmhand')
        cfg.work_dir = f'{args.work_dir}/{args.classes}_subject{subject}'
        cfg.model.num_classes = args.classes
        for name in ('train', 'val', 'test'):
            dataset = cfg[f'{name}_dataloader'].dataset
            dataset.update(data_root=args.data_root, test_subject=subject, num_classes=args.classes)
            if args.skeletons:
                dataset.skeletons = args.skeletons
        if args.epochs:
            cfg.train_cfg.max_epochs = args.epochs
        runner = Runner.from_cfg(cfg)
        runner.train()
        best = runner.message_hub.get_info('best_score')
        if best is None:
            raise HandDataError(f'person {subject} has no score: no epoch was validated')
        scores[str(subject)] = float(best)
        print(f'person {subject}: {best:.2f} %')
    mean = sum(scores.values()) / len(scores)
    print(f'{len(scores)} people, {args.classes} classes: mean of their best epochs {mean:.2f} %')
    write_results(
        Path(args.work_dir) / f'folds_{args.classes}.json', dict(mean=mean, scores=scores)
    )


if __name__ == '__main__':
    main()
