"""The notation table: one letter, one word, one domain."""

import pytest
import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixSymbol

from theory.core.notation import MATRIX_STRUCTURES, NOTATION, matrix, scalar


def test_letters_and_code_names_are_unique() -> None:
    code_names = [entry.code_name for entry in NOTATION.values()]
    assert len(set(code_names)) == len(code_names)
    assert all(entry.letter == letter for letter, entry in NOTATION.items())


def test_code_names_are_words() -> None:
    assert all(entry.code_name.isidentifier() for entry in NOTATION.values())


def test_every_row_has_a_domain_a_meaning_and_a_unit() -> None:
    for entry in NOTATION.values():
        assert entry.meaning
        assert entry.unit
        if isinstance(entry.symbol, MatrixSymbol):
            assert entry.domain in MATRIX_STRUCTURES
        else:
            assert isinstance(entry.domain, sp.Set)


@pytest.mark.parametrize(("letter", "code"), [("eta", "new_word"), ("new_letter", "step_size")])
def test_a_row_is_entered_once(letter: str, code: str) -> None:
    before = len(NOTATION)
    with pytest.raises(ValueError, match="entered twice"):
        scalar(letter, code, "again")
    assert len(NOTATION) == before


def test_an_unknown_structure_is_refused() -> None:
    with pytest.raises(ValueError, match="structure='banded'"):
        matrix("new_letter", "new_word", "a matrix", (sp.Integer(2), sp.Integer(2)), "banded")
    assert "new_letter" not in NOTATION
