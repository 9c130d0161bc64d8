"""What an error would have done, in words: which size of error is out of reach."""

from lpfl.report.reach import if_wrong_words


def row(refuted: int, inconclusive: int, confirmed: int) -> dict[str, int]:
    return {"refuted": refuted, "inconclusive": inconclusive, "confirmed": confirmed}


def test_an_error_that_is_refuted_needs_no_excuse():
    said = if_wrong_words({"0.1": row(1, 0, 5), "0.25": row(6, 0, 0)})
    assert said.endswith("of 10 % in 1 of 6, of 25 % in 6 of 6 scenarios.")


def test_an_error_that_passes_everywhere_is_named():
    said = if_wrong_words({"0.1": row(0, 0, 6), "0.25": row(0, 0, 6)})
    assert "Out of reach here: an error of 25 % would have passed in every scenario" in said


def test_an_error_that_leaves_doubt_is_told_from_one_that_passes():
    said = if_wrong_words({"0.05": row(0, 0, 6), "0.1": row(0, 2, 4), "0.25": row(0, 5, 1)})
    assert "an error of 5 % would have passed" in said
    assert said.endswith("An error of 25 % would have left 5 open.")


def test_without_numbers_nothing_is_said():
    assert if_wrong_words({}) == ""
