"""Hints in words and in numbers: hand-computed encodings, round trips, strict reading."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.scene import ActorKind, RoadCategory
from llm_hints.hint import (
    CRITICS,
    DIRECTION_VECTORS,
    ENTITY_KINDS,
    PRIOR_WEIGHTS,
    Density,
    Direction,
    Entity,
    Hint,
    HintBatch,
    HintFormatError,
    HintSource,
)
from llm_hints.parsing import MAX_CHARACTERS, parse_hint

WALKER = Hint(
    category=RoadCategory.URBAN,
    density=Density.HIGH,
    entities=(
        Entity(ActorKind.PEDESTRIAN, Direction.FRONT_RIGHT, actor_id=7),
        Entity(ActorKind.CAR, Direction.LEFT),
    ),
    weights={"comfort": 0.1, "safety": 0.7, "efficiency": 0.2},
)


@st.composite
def hints(draw: st.DrawFn) -> Hint:
    """Any hint that a model may give, with weights in hundredths."""
    first, second = sorted((draw(st.integers(0, 100)), draw(st.integers(0, 100))))
    shares = (first / 100, (second - first) / 100, (100 - second) / 100)
    entity = st.builds(Entity, st.sampled_from(ENTITY_KINDS), st.sampled_from(list(Direction)))
    return Hint(
        category=draw(st.sampled_from(list(RoadCategory))),
        density=draw(st.sampled_from(list(Density))),
        entities=tuple(draw(st.lists(entity, max_size=3))),
        weights=dict(zip(CRITICS, shares, strict=True)),
    )


def as_object(**changes: Any) -> dict[str, Any]:
    """Return the JSON object of ``WALKER`` with some fields changed."""
    answer: dict[str, Any] = json.loads(WALKER.to_json())
    answer.update(changes)
    return answer


def refusal(text: str) -> str:
    """Return the error line with which ``text`` is refused."""
    with pytest.raises(HintFormatError) as caught:
        parse_hint(text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_thirteen_numbers_by_hand() -> None:
    half = math.sqrt(0.5)
    expected = [0, 0, 1, 1, 5 / 6, half, -half, 1 / 6, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(WALKER.state(), expected, atol=1e-15)
    np.testing.assert_array_equal(WALKER.weight_row(), [0.7, 0.2, 0.1])


def test_direction_vectors_are_the_angles() -> None:
    angles = np.arange(8) * np.pi / 4
    np.testing.assert_allclose(DIRECTION_VECTORS, np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-15)


def test_text_names_everything() -> None:
    assert WALKER.text() == (
        "Urban Road, high density; Pedestrian Front-Right, Car Left; safety 0.70, efficiency 0.20, comfort 0.10"
    )


def test_prior_knows_nothing() -> None:
    batch = HintBatch.prior(2)
    assert not batch.state.any()
    np.testing.assert_array_equal(batch.weights, [PRIOR_WEIGHTS] * 2)
    assert batch.source.tolist() == [HintSource.PRIOR] * 2
    hint = batch.hint(1)
    assert hint.category is None and hint.entities == () and "Unknown road" in hint.text()
    with pytest.raises(HintFormatError, match="road category"):
        hint.to_json()


@given(hints())
def test_numbers_and_back(hint: Hint) -> None:
    batch = HintBatch.from_hints([hint, hint])
    assert batch.hints() == (hint, hint)
    np.testing.assert_array_equal(HintBatch.from_hints(batch.hints()).state, batch.state)


@given(hints())
def test_text_and_back(hint: Hint) -> None:
    for text in (hint.to_json(), f"Here it is:\n```json\n{hint.to_json()}\n```\nDone."):
        read = parse_hint(text)
        assert read == hint
        assert read.weights == hint.weights


@given(
    st.text(max_size=60) | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps)
)
def test_anything_else_is_refused_with_the_named_error(text: str) -> None:
    refusal(text)


@given(st.data())
def test_any_spoilt_field_is_refused_or_read_whole(data: st.DataObject) -> None:
    """A changed value never gives a hint outside its ranges."""
    odd = st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.lists(st.integers(), max_size=4)
    field = data.draw(st.sampled_from(["road_category", "traffic_density", "critical_entities", "weights"]))
    text = json.dumps(as_object(**{field: data.draw(odd)}))
    try:
        hint = parse_hint(text)
    except HintFormatError:
        return
    assert sum(hint.weights.values()) == pytest.approx(1)


def test_weights_are_bound_by_name_not_by_place() -> None:
    shuffled = as_object(weights={"comfort": 0.1, "efficiency": 0.2, "safety": 0.7})
    np.testing.assert_array_equal(parse_hint(json.dumps(shuffled)).weight_row(), [0.7, 0.2, 0.1])


def test_names_are_read_without_case_and_separators() -> None:
    answer = as_object(road_category="rural_lane", critical_entities=[{"type": "CYCLIST", "direction": "rear right"}])
    hint = parse_hint(json.dumps(answer))
    assert hint.category is RoadCategory.RURAL
    assert hint.entities == (Entity(ActorKind.CYCLIST, Direction.REAR_RIGHT),)


def test_an_entity_may_have_its_id() -> None:
    read = parse_hint(WALKER.to_json())
    assert [entity.actor_id for entity in read.entities] == [7, None]
    for actor_id in ("7", 7.0, True, [7]):
        entity = {"type": "Car", "direction": "Left", "id": actor_id}
        assert "critical_entities[0].id; a whole number" in refusal(json.dumps(as_object(critical_entities=[entity])))


def test_thoughts_before_the_answer_are_no_part_of_it() -> None:
    assert parse_hint(f"<think>\nA walker... ```no``` {{}}\n</think>\n\n{WALKER.to_json()}") == WALKER
    assert parse_hint(f"A walker, so slowly.\n</think>\n{WALKER.to_json()}") == WALKER  # opened by the template
    assert parse_hint(f"<think>{'hm ' * MAX_CHARACTERS}</think>{WALKER.to_json()}") == WALKER
    refusal(f"<think>{WALKER.to_json()}")
    refusal(f"{WALKER.to_json()}<think>Was that right?</think>")


@pytest.mark.parametrize("total", [0.98, 1.02])
def test_a_sum_within_two_hundredths_is_renormalised(total: float) -> None:
    weights = {"safety": 0.5, "efficiency": total - 0.6, "comfort": 0.1}
    read = parse_hint(json.dumps(as_object(weights=weights)))
    assert sum(read.weights.values()) == pytest.approx(1, abs=1e-15)
    assert read.weights["safety"] == pytest.approx(0.5 / total)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"road_category": "Highwy"}, "did you mean 'Highway'"),
        ({"traffic_density": "Very High"}, "allowed: Low, Medium, High"),
        ({"critical_entities": [{"type": "Static", "direction": "Front"}]}, "critical_entities[0].type"),
        ({"critical_entities": [{"type": "Car", "direction": "Front-Rihgt"}]}, "did you mean 'Front-Right'"),
        ({"critical_entities": [{"type": "Car"}]}, "lacks ['direction']"),
        ({"critical_entities": [{"type": "Car", "direction": "Front"}] * 4}, "at most 3"),
        ({"critical_entities": "none"}, "a list of 0 to 3"),
        ({"weights": {"safety": 0.5, "efficiency": 0.3, "comfort": 0.1}}, "sum 0.9 "),
        ({"weights": {"safety": 1.2, "efficiency": -0.1, "comfort": -0.1}}, "allowed is [0, 1]"),
        ({"weights": {"safety": True, "efficiency": 0, "comfort": 0}}, "a number in [0, 1]"),
        ({"weights": {"safety": "0.5", "efficiency": 0.4, "comfort": 0.1}}, "a number in [0, 1]"),
        ({"weights": {"safty": 0.5, "efficiency": 0.4, "comfort": 0.1}}, "did you mean 'safety'"),
        ({"weights": {"safety": float("nan"), "efficiency": 0.4, "comfort": 0.1}}, "NaN"),
        ({"wieghts": {}}, "did you mean 'weights'"),
    ],
)
def test_refusals_say_what_came_and_what_is_allowed(changes: dict[str, Any], said: str) -> None:
    assert said in refusal(json.dumps(as_object(**changes)))


def test_texts_that_hold_no_single_object() -> None:
    whole = WALKER.to_json()
    assert "more than once" in refusal(whole[:-1] + ', "road_category": "Highway"}')
    assert "2 code blocks" in refusal(f"```\n{whole}\n```\n```\n{whole}\n```")
    assert "no JSON object" in refusal(f"Sure! {whole}")
    assert "no JSON object" in refusal(whole + whole)
    assert "empty" in refusal(" \n")
    assert "a JSON list" in refusal("[]")
    assert "at most" in refusal("x" * (MAX_CHARACTERS + 1))
    assert refusal("[" * 15_000)
    assert refusal('{"weights": ' + "9" * 6000 + "}")


def test_a_hint_cannot_hold_what_its_numbers_cannot() -> None:
    with pytest.raises(HintFormatError, match="STATIC"):
        Entity(ActorKind.STATIC, Direction.FRONT)
    with pytest.raises(HintFormatError, match="at most 3"):
        Hint(RoadCategory.URBAN, Density.LOW, (Entity(ActorKind.CAR, Direction.FRONT),) * 4, WALKER.weights)
    with pytest.raises(HintFormatError, match="exactly"):
        Hint(RoadCategory.URBAN, Density.LOW, (), {"safety": 1.0})


def test_copies_are_independent() -> None:
    batch = HintBatch.from_hints([WALKER], issued_at_s=2.0)
    kept = batch.copy()
    batch.state[:] = 0
    assert kept.hint(0) == WALKER
    assert kept.age_s(np.array([3.5])).tolist() == [1.5]
