"""What every hand estimator has in common."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from mmengine.model import BaseModel
from torch import Tensor

from mmhand.structures import HandDataSample, HandInstances
from mmhand.utils.errors import HandConfigError, HandDataError

Inputs = Tensor | Mapping[str, Tensor]


class BaseHandEstimator(BaseModel):
    """An mmengine model with the three modes of OpenMMLab.

    Subclasses write :meth:`loss`, :meth:`predict` and :meth:`tensor`. ``inputs`` are what the data
    preprocessor yields: a float tensor (B, C, H, W) or a dict of such.

    Args:
        data_preprocessor: config of the data preprocessor; :class:`HandDataPreprocessor` if it
            names no type.
        train_cfg: options of the training forward.
        test_cfg: options of the prediction.
        init_cfg: weight initialisation.

    Attributes:
        takes_pictures: whether the inputs are pictures of hands, cut out by a box or whole, so that
            :func:`mmhand.apis.inference_hands` serves the estimator.
        inputs_are: what they are otherwise, for messages.
    """

    takes_pictures: bool = True
    inputs_are: str = 'pictures'

    #: Whether the method takes a ``mesh_fitter`` that lays a hand model into its joints.
    fits_meshes = False

    def __init__(
        self,
        data_preprocessor: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        if data_preprocessor is None or isinstance(data_preprocessor, Mapping):
            data_preprocessor = {'type': 'mmhand.HandDataPreprocessor', **(data_preprocessor or {})}
        super().__init__(data_preprocessor, init_cfg)
        self.train_cfg = dict(train_cfg or {})
        self.test_cfg = dict(test_cfg or {})

    def forward(
        self,
        inputs: Inputs,
        data_samples: Sequence[HandDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[HandDataSample]:
        """Run one mode.

        Args:
            inputs: what the data preprocessor yields.
            data_samples: B samples; needed by ``loss``; made empty for ``predict`` if ``None``.
            mode: ``'loss'``, ``'predict'`` or ``'tensor'``.

        Returns:
            ``'loss'``: dict of scalar losses; ``'predict'``: the samples with ``pred_*`` filled;
            ``'tensor'``: the documented dict of raw outputs.

        Raises:
            HandConfigError: unknown mode.
            HandDataError: no samples for ``loss``, or not as many as inputs.
        """
        first = next(iter(inputs.values())) if isinstance(inputs, Mapping) else inputs
        # len() of a tensor would make it a constant of an exported graph.
        size = first.shape[0] if isinstance(first, Tensor) else len(first)
        if data_samples is not None and len(data_samples) != size:
            raise HandDataError(f'a batch has {size} inputs and {len(data_samples)} data samples')
        if mode == 'loss':
            if data_samples is None:
                raise HandDataError('the losses need data samples, and the batch has none')
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            samples = [HandDataSample() for _ in range(size)]
            return self.predict(inputs, samples if data_samples is None else data_samples)
        if mode == 'tensor':
            return self.tensor(inputs, data_samples)
        raise HandConfigError(f'mode is "{mode}", not one of loss, predict, tensor')

    @abstractmethod
    def loss(self, inputs: Inputs, data_samples: Sequence[HandDataSample]) -> dict[str, Tensor]:
        """Losses of a batch; entries whose name contains ``loss`` are summed and minimised."""

    @abstractmethod
    def predict(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample]
    ) -> list[HandDataSample]:
        """Fill ``pred_hands`` and what else the method predicts, on the CPU."""

    @abstractmethod
    def tensor(
        self, inputs: Inputs, data_samples: Sequence[HandDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Raw outputs, keys documented by the subclass."""

    @staticmethod
    def attach_hands(
        data_samples: Sequence[HandDataSample], fields: Mapping[str, Tensor]
    ) -> list[HandDataSample]:
        """Write two-hand predictions of a batch into its samples.

        Args:
            data_samples: B samples.
            fields: tensors (B, N, ...) by name, N hands of each sample; ``side`` among them.

        Returns:
            The samples, ``pred_hands`` set; one copy to the CPU per field, not per sample.
        """
        on_cpu = {name: value.detach().cpu() for name, value in fields.items()}
        samples = []
        for row, sample in enumerate(data_samples):
            sample.pred_hands = HandInstances(
                **{name: value[row] for name, value in on_cpu.items()}
            )
            samples.append(sample)
        return samples
