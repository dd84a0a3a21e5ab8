"""Skin and cloth: the colours of a person's hands and sleeves."""

from dataclasses import dataclass

import numpy as np

from .anatomy import Anatomy
from .noise import solid_noise
from .rng import stream
from .sensor import srgb_to_linear

#: Channels of a baked skin: linear RGB, gloss, relief in millimetres.
CHANNELS = 5


@dataclass(frozen=True)
class SkinTone:
    """The colouring of a person. Colours are linear RGB reflectances.

    Attributes:
        lightness: CIE L* of the back of the hand; skin runs from about 30 to 75.
        back: (3,) of the back of the hand.
        palm: (3,) of the palm.
        nail: (3,) of the nails; a varnish's colour if varnished.
        varnish: whether the nails are varnished.
        veins: 0 to 1, how far veins show.
        relief: factor on creases and wrinkles; grows with age.
        freckles: 0 to 1.
        gloss: factor on highlights; oily or moist skin.
        mottle: strength of the blotches of redness.
        shift: (3,) picks the noise.
    """

    lightness: float
    back: np.ndarray
    palm: np.ndarray
    nail: np.ndarray
    varnish: bool
    veins: float
    relief: float
    freckles: float
    gloss: float
    mottle: float
    shift: np.ndarray


def lab_to_linear(lightness: float, a: float, b: float) -> np.ndarray:
    """(3,) linear sRGB reflectance of a CIE L*a*b* colour (D65)."""
    y = (lightness + 16) / 116
    xyz = np.array([y + a / 500, y, y - b / 200])
    xyz = np.where(xyz > 6 / 29, xyz**3, 3 * (6 / 29) ** 2 * (xyz - 4 / 29))
    xyz *= (0.95047, 1.0, 1.08883)
    matrix = np.array(
        [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    )
    return np.clip(matrix @ xyz, 0.005, 0.95)


def sample_skin(seed: int, capture: int) -> SkinTone:
    """The skin of the person of a capture.

    Lightness is drawn evenly over the measured range of human skin, L* 30 to 74, with a* and b* on
    the arc that skin follows (Xiao et al., "Characterising the variations in ethnic skin colours",
    Skin Res. Technol. 2017): redness changes little, yellowness peaks at medium lightness.

    Args:
        seed: seed of the data set.
        capture: whose skin.
    """
    rng = stream(seed, 'skin', capture)
    light = rng.uniform(30, 74)
    dark = np.clip((74 - light) / 44, 0, 1)
    a = 8.5 + 3.5 * np.sin(np.pi * np.clip(dark, 0, 0.8)) + rng.normal(0, 1.3)
    b = 11.5 + 7.5 * np.sin(np.pi * np.clip(0.15 + 0.75 * dark, 0, 1)) + rng.normal(0, 1.6)
    # Palms hold little melanin: they vary much less than the rest of the skin.
    palm_light = max(light + 2, 0.42 * light + 38 + rng.normal(0, 1.5))
    palm = lab_to_linear(palm_light, a + rng.uniform(1.0, 4.0), b - rng.uniform(0, 3))
    varnish = bool(rng.random() < 0.12)
    nail = lab_to_linear(0.55 * palm_light + 0.45 * light + 4, a + rng.uniform(1, 4), b - 4)
    if varnish:
        hue = rng.choice(['red', 'dark', 'pale', 'any'])
        nail = srgb_to_linear(
            {
                'red': np.array([0.65, 0.08, 0.12]),
                'dark': np.array([0.15, 0.06, 0.12]),
                'pale': np.array([0.9, 0.72, 0.72]),
                'any': rng.uniform(0.1, 0.9, 3),
            }[str(hue)]
        )
    age = rng.beta(1.6, 2.2)
    return SkinTone(
        lightness=float(light),
        back=lab_to_linear(light, a, b),
        palm=palm,
        nail=nail,
        varnish=varnish,
        veins=float(rng.beta(1.3, 2.5)),
        relief=float(0.55 + 1.1 * age),
        freckles=float(rng.beta(0.7, 3) * (1 - 0.6 * dark)),
        gloss=float(rng.uniform(0.5, 1.5)),
        mottle=float(rng.uniform(0.4, 1.2)),
        shift=rng.uniform(0, 32, 3),
    )


def bake_skin(tone: SkinTone, anatomy: Anatomy) -> np.ndarray:
    """Colours and relief of a hand at its texels.

    Args:
        tone: the person's colouring.
        anatomy: where things are on the hand.

    Returns:
        (T, 5) float32: linear RGB reflectance, gloss factor, relief in millimetres.
    """
    p, shift = anatomy.points, tone.shift
    palm = anatomy.palm[:, None]
    color = (tone.back * (1 - palm) + tone.palm * palm).astype(np.float32)
    dark = float(np.clip((74 - tone.lightness) / 44, 0, 1))

    def tinted(amount: np.ndarray, gain: tuple[float, float, float]) -> None:
        nonlocal color
        color = color * (1 + amount[:, None].astype(np.float32) * (np.float32(gain) - 1))

    broad = solid_noise(p, 0.022, shift, 2)
    fine = solid_noise(p, 0.0035, shift + 5, 2)
    tinted(np.clip(0.5 + 0.5 * broad, 0, 1.5) * tone.mottle, (1.04, 0.93, 0.93))
    tinted(0.5 * fine, (1.05, 0.96, 0.95))
    tinted(anatomy.pad * (0.5 + 0.2 * broad), (1.06, 0.84, 0.84))
    tinted(anatomy.knuckle, (0.96 - 0.22 * dark, 0.82 - 0.16 * dark, 0.80 - 0.16 * dark))
    tinted(anatomy.wrinkle * min(tone.relief, 1.3), (0.84, 0.76, 0.75))
    # On dark skin the palm's lines keep more of the melanin than the palm around them.
    tinted(
        anatomy.crease * (0.7 + 0.3 * tone.relief),
        (0.78 - 0.25 * dark, 0.66 - 0.25 * dark, 0.62 - 0.22 * dark),
    )
    tinted(anatomy.vein * tone.veins * (1 - 0.6 * dark), (0.80, 0.93, 0.98))
    spots = np.clip(solid_noise(p, 0.0028, shift + 11, 1) - 1.35, 0, 0.5) * 2
    tinted(spots * tone.freckles * (1 - anatomy.palm), (0.72, 0.60, 0.52))
    pores = solid_noise(p, 0.0016, shift + 17, 1)
    color = color * (1 + 0.025 * pores[:, None])
    nail = anatomy.nail[:, None]
    plate = np.broadcast_to(tone.nail, color.shape)
    if not tone.varnish:
        moon = anatomy.lunula[:, None]
        white = anatomy.free_edge[:, None]
        plate = plate * (1 + 0.05 * broad[:, None])
        plate = plate * (1 - 0.22 * moon) + np.float32([0.75, 0.66, 0.6]) * 0.22 * moon
        plate = plate * (1 - 0.75 * white) + np.float32([0.72, 0.68, 0.6]) * 0.75 * white
    tinted(anatomy.rim, (0.93, 0.80, 0.80))
    color = color * (1 - nail) + plate * nail
    gloss = tone.gloss * (1 + 0.25 * fine - 0.3 * anatomy.knuckle) * (1 - 0.5 * anatomy.crease)
    gloss = np.where(anatomy.nail > 0.5, 2.2 if tone.varnish else 1.5, gloss)
    height = anatomy.height * tone.relief * (1 - 0.4 * anatomy.vein * (1 - tone.veins))
    height = height + (0.012 * pores + 0.018 * fine) * (1 - anatomy.nail)
    return np.concatenate([np.clip(color, 0, 1), gloss[:, None], height[:, None]], axis=1).astype(
        np.float32
    )


@dataclass(frozen=True)
class Sleeve:
    """The cloth of a person's sleeves.

    Attributes:
        colors: (2, 3) linear RGB.
        stripes: width of stripes in metres, 0 for none.
        around: stripes run along the arm rather than around it.
        shift: (3,) picks the noise.
    """

    colors: np.ndarray
    stripes: float
    around: bool
    shift: np.ndarray

    def albedo(self, points: np.ndarray) -> np.ndarray:
        """Linear RGB (N, 3) at points (N, 3): along the arm, and around it, metres."""
        color = np.broadcast_to(self.colors[0], (len(points), 3))
        if self.stripes:
            at = points[:, 1] if self.around else points[:, 0]
            share = (np.sin(2 * np.pi * at / self.stripes) > 0.2)[:, None]
            color = np.where(share, self.colors[1], color)
        weave = 1 + 0.10 * solid_noise(points, 0.0035, self.shift, 1)
        folds = 1 + 0.16 * solid_noise(points * (1, 0.5, 0.5), 0.02, self.shift + 3, 2)
        return (color * (weave * folds)[:, None]).astype(np.float32)


def sample_sleeve(seed: int, capture: int) -> Sleeve:
    """The sleeves of the person of a capture."""
    rng = stream(seed, 'cloth', capture)
    value = rng.uniform(0.05, 0.9, 2)[:, None]
    colors = value * (1 + rng.beta(1.2, 2.5) * rng.uniform(-0.9, 0.9, (2, 3)))
    return Sleeve(
        colors=srgb_to_linear(np.clip(colors, 0.02, 1)).astype(np.float32),
        stripes=float(rng.uniform(0.008, 0.04)) if rng.random() < 0.35 else 0.0,
        around=bool(rng.random() < 0.5),
        shift=rng.uniform(0, 32, 3),
    )
