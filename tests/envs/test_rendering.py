"""What is in the scene is in the picture, where it must be and in the colour of its kind."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from envs.human_window import HumanWindow
from envs.rendering import EGO_COLOUR, KIND_COLOURS, RenderOverlay, SceneRenderer
from envs.rendering.bodies import body_shape, placed
from envs.rendering.road import dashes, painted_lines
from envs.roads.drawing import RoadDrawing, Stroke
from envs.scene import ActorKind, ActorRow, EgoRow, EventRow, RouteRow, SceneBatch
from tests.envs.drive_builder import make_drive, make_scene, street

Frame = npt.NDArray[np.uint8]
SIZE = (900, 400)
METRES = 90.0
SCALE = SIZE[0] / METRES


def scene_with(kind: ActorKind, x: float, y: float, visible: bool = True, yaw: float = 0.0) -> SceneBatch:
    """Return an ego at the origin, heading east, and one road user of 4 x 2 m at (x, y)."""
    scene = SceneBatch.empty(1, 1)
    scene.ego.block[[EgoRow.LENGTH, EgoRow.WIDTH], 0] = 4.8, 1.9
    actor = scene.actors.block[:, 0, 0]
    actor[[ActorRow.VALID, ActorRow.VISIBLE, ActorRow.KIND, ActorRow.ID]] = 1.0, float(visible), float(int(kind)), 1.0
    actor[[ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.LENGTH, ActorRow.WIDTH]] = x, y, yaw, 4.0, 2.0
    return scene


def at(frame: Frame, x: float, y: float) -> tuple[int, int, int]:
    """Return the colour of the point (x, y) metres ahead and to the left of the ego."""
    red, green, blue = frame[round(SIZE[1] / 2 - SCALE * y), round(SIZE[0] / 3 + SCALE * x)].tolist()
    return red, green, blue


def render(scene: SceneBatch, drawing: RoadDrawing | None = None) -> Frame:
    return SceneRenderer(drawing or RoadDrawing((), ()), SIZE, METRES).render(scene)


@pytest.mark.parametrize("kind", list(ActorKind))
def test_a_road_user_is_drawn_where_it_is_in_the_colour_of_its_kind(kind: ActorKind) -> None:
    frame = render(scene_with(kind, 30.0, 5.0))
    assert at(frame, 30.0, 5.0) == KIND_COLOURS[kind]
    assert at(frame, 30.0, -5.0) == at(frame, -20.0, 15.0)


def test_left_is_up_and_ahead_is_right() -> None:
    frame = render(scene_with(ActorKind.CAR, 20.0, 8.0))
    rows, columns = np.nonzero((frame == KIND_COLOURS[ActorKind.CAR]).all(axis=2))
    assert rows.max() < SIZE[1] / 2 and columns.min() > SIZE[0] / 3
    assert np.mean(columns) == pytest.approx(SIZE[0] / 3 + SCALE * 20.0, abs=0.4 * SCALE)
    assert columns.max() - columns.min() == pytest.approx(4.0 * SCALE, abs=4)
    assert rows.max() - rows.min() == pytest.approx(2.0 * SCALE, abs=4)


def test_the_picture_turns_with_the_route_and_not_with_the_ego() -> None:
    along = scene_with(ActorKind.CAR, 0.0, 30.0, yaw=math.pi / 2)
    along.ego.block[EgoRow.YAW, 0] = math.pi / 2
    assert at(render(along), 30.0, 0.0) == KIND_COLOURS[ActorKind.CAR]
    aslant = scene_with(ActorKind.CAR, 30.0, 0.0)
    aslant.ego.block[EgoRow.YAW, 0] = 0.3
    aslant.route.block[RouteRow.HEADING_ERROR, 0] = 0.3
    assert at(render(aslant), 30.0, 0.0) == KIND_COLOURS[ActorKind.CAR]


def test_the_ego_has_its_own_colour_at_the_left_third() -> None:
    assert at(render(scene_with(ActorKind.CAR, 30.0, 0.0)), 0.0, 0.0) == EGO_COLOUR


def test_a_hidden_road_user_is_a_ghost() -> None:
    colour = np.array(KIND_COLOURS[ActorKind.TRUCK])
    seen = render(scene_with(ActorKind.TRUCK, 30.0, 0.0))
    hidden = render(scene_with(ActorKind.TRUCK, 30.0, 0.0, visible=False))
    nothing = render(SceneBatch.empty(1, 1))
    full = int((seen == colour).all(axis=2).sum())
    assert full > 0.5 * 4.0 * 2.0 * SCALE**2
    assert not (hidden == colour).all(axis=2).any()
    assert (hidden != nothing).any(axis=2).sum() > 0.8 * 4.0 * 2.0 * SCALE**2


def test_an_unused_slot_is_not_drawn() -> None:
    scene = scene_with(ActorKind.CAR, 30.0, 0.0)
    scene.actors.block[ActorRow.VALID] = 0.0
    assert not (render(scene) == KIND_COLOURS[ActorKind.CAR]).all(axis=2).any()


def test_an_arrow_shows_where_a_moving_body_will_be_in_a_second() -> None:
    still, moving = scene_with(ActorKind.CAR, 20.0, 0.0), scene_with(ActorKind.CAR, 20.0, 0.0)
    moving.actors.block[[ActorRow.VX, ActorRow.SPEED], 0, 0] = 10.0
    changed = np.nonzero((render(still) != render(moving)).any(axis=2))[1]
    assert (changed.max() - SIZE[0] / 3) / SCALE == pytest.approx(30.0, abs=0.3)


def test_the_road_is_drawn_and_broken_lines_have_gaps() -> None:
    frame = render(scene_with(ActorKind.CAR, 30.0, 0.0), street())
    assert at(frame, 10.0, 0.5) != at(frame, 10.0, 12.0)
    marked = (frame[round(SIZE[1] / 2 - SCALE * 1.75)].astype(int).sum(axis=1)) > 400
    assert 0.25 < marked.mean() < 0.65


def test_dashes_follow_the_arc_length() -> None:
    corner = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 9.0]])
    pieces = list(dashes(corner, 4.0, 5.0))
    assert [piece.tolist() for piece in pieces] == [
        [[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]],
        [[3.0, 6.0], [3.0, 9.0]],
    ]


def test_a_double_mark_is_two_lines_side_by_side() -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0]])
    (first, left), (second, right) = painted_lines(Stroke("broken_solid", "yellow", line))
    assert (first, second) == ("broken", "solid")
    assert left[:, 1].tolist() == [0.14, 0.14] and right[:, 1].tolist() == [-0.14, -0.14]
    assert painted_lines(Stroke("solid", "white", line[:1])) == []


def test_a_collision_is_ringed() -> None:
    scene = scene_with(ActorKind.CAR, 4.0, 0.0)
    before = render(scene)
    scene.events.block[EventRow.COLLISION] = 1.0
    assert (before != render(scene)).any()


def test_the_overlay_says_what_it_is_given() -> None:
    scene = make_scene(80, 60.0, 200)
    renderer = SceneRenderer(street())
    calm = RenderOverlay("Overtaking", "hcrmp", "keep the pace", "rules", 0.2, (0.25, 0.6, 0.15))
    alert = RenderOverlay("Overtaking", "hcrmp", "keep the pace", "rules", 0.2, (0.8, 0.1, 0.1))
    ended = RenderOverlay("Overtaking", "hcrmp", "keep the pace", "rules", 0.2, (0.8, 0.1, 0.1), "collision")
    frames = [renderer.render(scene, 0, overlay) for overlay in (calm, alert, ended)]
    assert all(frame.shape == (540, 960, 3) and frame.dtype == np.uint8 for frame in frames)
    weights_rows = np.unique(np.nonzero((frames[0] != frames[1]).any(axis=2))[0])
    assert weights_rows.min() > 0.75 * 540, "weights change the panel only"
    outcome_rows = np.unique(np.nonzero((frames[1] != frames[2]).any(axis=2))[0])
    assert outcome_rows.max() < 0.07 * 540, "the outcome changes the header only"


def test_long_words_stay_inside() -> None:
    overlay = RenderOverlay("t" * 300, "s" * 300, "hint " * 200, "rules", 1.0, None, "success")
    frame = SceneRenderer(street(), (480, 270)).render(make_scene(3, 2.0, 9), 0, overlay)
    assert frame.shape == (270, 480, 3)


def test_the_same_scene_gives_the_same_picture() -> None:
    drive = make_drive(5)
    renderer = SceneRenderer(drive.drawing, SIZE)
    assert np.array_equal(renderer.render(drive.scenes, 3), renderer.render(drive.scene(3), 0))


def test_an_unreadable_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 160 x 120"):
        SceneRenderer(street(), (40, 40))
    with pytest.raises(ValueError, match="metres is 0"):
        SceneRenderer(street(), metres=0.0)


def test_the_window_shows_frames_and_closes_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    window = HumanWindow("test")
    frame = np.zeros((120, 200, 3), dtype=np.uint8)
    frame[30, 70] = 255, 128, 0
    window.show(frame)
    assert tuple(pygame.display.get_surface().get_at((70, 30)))[:3] == (255, 128, 0)
    window.close()
    window.close()
    assert window.closed and not pygame.display.get_init()


def test_a_person_may_close_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame = pytest.importorskip("pygame")
    window = HumanWindow("test", rate_hz=1000.0)
    frame = np.zeros((120, 200, 3), dtype=np.uint8)
    window.show(frame)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.show(frame)
    assert window.closed
    window.show(frame)


@pytest.mark.parametrize("kind", list(ActorKind))
def test_a_body_s_shape_keeps_to_its_size_and_tells_its_front(kind: ActorKind) -> None:
    shape = body_shape(kind, 6.0, 2.0)
    points = np.concatenate([*shape.hull, *shape.glass])
    if kind == ActorKind.PEDESTRIAN:
        assert np.hypot(*points.T).max() == pytest.approx(3.0)
        return
    assert np.abs(points).max(axis=0) == pytest.approx([3.0, 1.0], abs=1e-9)
    if kind in (ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS):
        assert shape.glass[0][:, 0].min() > 0.0, "the windscreen is ahead of the middle"


def test_no_two_kinds_have_one_shape() -> None:
    shapes = [body_shape(kind, 4.0, 1.8) for kind in ActorKind]
    assert len({np.concatenate([*shape.hull, *shape.glass]).round(3).tobytes() for shape in shapes}) == len(ActorKind)


def test_the_ego_s_way_and_who_is_critical_are_drawn_where_the_overlay_says() -> None:
    scene = scene_with(ActorKind.CAR, 20.0, 0.0)
    overlay = RenderOverlay(trail=[(-25.0, 6.0), (-5.0, 6.0)], critical=0)
    renderer = SceneRenderer(RoadDrawing((), ()), (900, 580), METRES)
    plain, told = renderer.render(scene, 0, RenderOverlay()).astype(int), renderer.render(scene, 0, overlay).astype(int)
    changed = np.abs(told - plain).max(axis=2) > 30
    # Above and below the map band nothing changes; the band's middle is where the ego stands.
    top, height = round(0.065 * 580), 580 - round(0.065 * 580) - round(0.25 * 580)
    rows, columns = np.nonzero(changed)
    left, up = (columns - 300) / SCALE, (top + height / 2 - rows) / SCALE
    trail = left < 0.0
    assert trail.any() and np.abs(up[trail] - 6.0).max() < 0.3 and left[trail].min() == pytest.approx(-25.0, abs=0.3)
    ring = np.hypot(left[~trail] - 20.0, up[~trail])
    assert ring.min() > 2.0 and ring.max() == pytest.approx(0.62 * 4.0, abs=0.3)


def test_a_placed_body_stands_and_points_where_it_is_said_to() -> None:
    turned = placed(np.array([[2.0, 0.0], [0.0, 1.0]]), 10.0, 5.0, np.pi / 2)
    np.testing.assert_allclose(turned, [[10.0, 7.0], [9.0, 5.0]], atol=1e-12)
