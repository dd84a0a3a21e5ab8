"""Share of sequences that are recognised."""

from collections.abc import Sequence

from mmengine.evaluator import BaseMetric

from mmhand.registry import METRICS


@METRICS.register_module()
class GestureAccuracy(BaseMetric):
    """Accuracy, percent, as SHREC'17 and DHG report it."""

    default_prefix = 'gesture'

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Note which samples are right."""
        self.results += [sample['pred_label'] == sample['label'] for sample in data_samples]

    def compute_metrics(self, results: list) -> dict[str, float]:
        """``accuracy`` and how many sequences it is of."""
        return {'accuracy': 100.0 * sum(results) / len(results), 'sequences': float(len(results))}
