"""Fakes of earlier steps, so that a discriminator does not chase the last one."""

import torch
from torch import Tensor, nn


class FakePool(nn.Module):
    """Image buffer of CycleGAN (Shrivastava et al., CVPR 2017).

    Half of the crops that come go out as they are; the others take the place of a random one in the
    pool, which goes out instead. The pool is part of the checkpoint, so a resumed run goes on as it
    would have.

    Args:
        size: how many crops; 0 keeps none.
    """

    crops: Tensor

    def __init__(self, size: int = 50) -> None:
        super().__init__()
        self.size = size
        self.register_buffer('crops', torch.zeros(0, 1, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, S, S) without gradients to as many crops to judge."""
        if not self.size:
            return images
        shown = []
        for image in images.float():
            if len(self.crops) < self.size:
                known = self.crops if len(self.crops) else self.crops.new_zeros(0, *image.shape)
                self.crops = torch.cat((known, image[None]))
            elif torch.rand(()) > 0.5:
                place = int(torch.randint(self.size, ()))
                image, old = self.crops[place].clone(), image
                self.crops[place] = old
            shown.append(image)
        return torch.stack(shown).to(images)

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: object) -> None:
        # The pool has as many crops as were seen.
        crops = state_dict.get(f'{prefix}crops')
        if crops is not None:
            self.crops = torch.empty_like(crops, device=self.crops.device)
        super()._load_from_state_dict(state_dict, prefix, *args)
