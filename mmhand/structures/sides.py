"""Right and left: their order, names, hand types, and colours."""

#: Names of the sides by number: right is 0, left is 1, in every stacked array.
SIDES = ('right', 'left')

#: Hand types, and which hands, right and left, they say are there.
HAND_TYPES: dict[str, tuple[bool, bool]] = {
    'right': (True, False),
    'left': (False, True),
    'interacting': (True, True),
}

#: The hand type of the mirrored picture.
MIRRORED_TYPES = {'right': 'left', 'left': 'right', 'interacting': 'interacting'}

#: One colour per side, RGB in [0, 1]: told apart by the colour-blind too.
SIDE_COLORS = ((0.95, 0.62, 0.42), (0.45, 0.66, 0.93))

#: The same as RGB in 0-255.
SIDE_COLORS_8BIT: tuple[tuple[int, int, int], ...] = tuple(
    (round(255 * r), round(255 * g), round(255 * b)) for r, g, b in SIDE_COLORS
)
