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
        # Not a buffer: its size is no fact about the network, which checkpoints are held to.
        self.crops = torch.zeros(0, 1, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, S, S) without gradients to as many crops to judge."""
        if not self.size:
            return images
        self.crops = self.crops.to(images.device)
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

    def get_extra_state(self) -> Tensor:
        """What a checkpoint keeps: the crops."""
        return self.crops

    def set_extra_state(self, state: Tensor) -> None:
        """Take the crops of a checkpoint."""
        self.crops = state
