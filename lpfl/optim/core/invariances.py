"""Changes of variables under which a method may train alike, by name.

``signed_permutation``, ``rotation`` and ``general`` map the inputs, x to A x and G to G A^{-1};
``gauge_rotation`` and ``gauge`` change the basis of the representation, G to R G and F to F R^{-1}.
"""

INPUT_MAPS = ("signed_permutation", "rotation", "general")
GAUGES = ("gauge_rotation", "gauge")
EVERY = (*INPUT_MAPS, *GAUGES)
SIGNED_PERMUTATIONS = ("signed_permutation",)
INPUT_ROTATIONS = ("signed_permutation", "rotation")
ROTATIONS = (*INPUT_ROTATIONS, "gauge_rotation")
