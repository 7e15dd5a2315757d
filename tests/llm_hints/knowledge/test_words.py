"""Forms of a word meet in one stem; different words do not."""

from __future__ import annotations

import pytest

from llm_hints.knowledge.words import stem, stems


@pytest.mark.parametrize(
    "forms",
    [
        "overtake overtakes overtaking overtaken",
        "cross crosses crossing crossed crossings",
        "stop stops stopping stopped",
        "merge merges merging merged",
        "lorry lorries",
        "carry carries carried",
        "brake brakes braking braked",
        "queue queues",
        "turn turns turning turned",
        "vehicle vehicles",
        "bus buses",
        "pass passes passing passed",
        "sudden suddenly",
    ],
)
def test_forms_of_a_word_are_one(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


def test_different_words_stay_apart() -> None:
    words = "bus bush brake break lane line left lift merge emergency motor motorcycle road ride rider cyclist circle"
    assert len({stem(word) for word in words.split()}) == len(words.split())


def test_numbers_stop_words_and_single_letters_go() -> None:
    assert stems("The car is at 12.5 m, it's 3rd!") == ["car", "rd"]
    assert stems("") == []
