"""The sensors of the catalogue with their attributes (name, type, default), as CARLA names them."""

from __future__ import annotations

Row = tuple[str, str, str]

_TICK: Row = ("sensor_tick", "float", "0.0")
_LENS: tuple[Row, ...] = (
    ("image_size_x", "int", "800"), ("image_size_y", "int", "600"), ("fov", "float", "90.0"),
    ("lens_circle_multiplier", "float", "0.0"), ("lens_circle_falloff", "float", "5.0"),
    ("lens_k", "float", "-1.0"), ("lens_kcube", "float", "0.0"), ("lens_x_size", "float", "0.08"),
    ("lens_y_size", "float", "0.08"), _TICK,
)  # fmt: skip
_LOOK: tuple[Row, ...] = (
    ("enable_postprocess_effects", "bool", "True"), ("gamma", "float", "2.2"), ("iso", "float", "100.0"),
    ("shutter_speed", "float", "200.0"), ("fstop", "float", "1.4"), ("exposure_mode", "string", "histogram"),
    ("exposure_compensation", "float", "0.0"), ("exposure_min_bright", "float", "10.0"),
    ("exposure_max_bright", "float", "12.0"), ("exposure_speed_up", "float", "3.0"),
    ("exposure_speed_down", "float", "1.0"), ("calibration_constant", "float", "16.0"),
    ("focal_distance", "float", "1000.0"), ("blade_count", "int", "5"), ("blur_amount", "float", "1.0"),
    ("blur_radius", "float", "0.0"), ("motion_blur_intensity", "float", "0.45"),
    ("motion_blur_max_distortion", "float", "0.35"), ("motion_blur_min_object_screen_size", "float", "0.1"),
    ("min_fstop", "float", "1.2"), ("bloom_intensity", "float", "0.675"), ("lens_flare_intensity", "float", "0.1"),
    ("temp", "float", "6500.0"), ("tint", "float", "0.0"), ("chromatic_aberration_intensity", "float", "0.0"),
    ("chromatic_aberration_offset", "float", "0.0"), ("slope", "float", "0.88"), ("toe", "float", "0.55"),
    ("shoulder", "float", "0.26"), ("black_clip", "float", "0.0"), ("white_clip", "float", "0.04"),
)  # fmt: skip
_SCAN: tuple[Row, ...] = (
    ("channels", "int", "32"), ("range", "float", "10.0"), ("points_per_second", "int", "56000"),
    ("rotation_frequency", "float", "10.0"), ("upper_fov", "float", "10.0"), ("lower_fov", "float", "-30.0"),
    ("horizontal_fov", "float", "360.0"), _TICK,
)  # fmt: skip


def _noise(*groups: tuple[str, tuple[str, ...]]) -> tuple[Row, ...]:
    """Return a float attribute of default 0 for each name of each group ``(prefix, endings)``."""
    return tuple((f"noise_{prefix}_{ending}", "float", "0.0") for prefix, endings in groups for ending in endings)


_AXES = ("stddev_x", "stddev_y", "stddev_z")
_BIASED = ("bias", "stddev")

SENSOR_ATTRIBUTES: dict[str, tuple[Row, ...]] = {
    "sensor.camera.rgb": (*_LENS, *_LOOK),
    "sensor.camera.depth": _LENS,
    "sensor.camera.semantic_segmentation": _LENS,
    "sensor.camera.instance_segmentation": _LENS,
    "sensor.camera.normals": _LENS,
    "sensor.camera.optical_flow": _LENS,
    "sensor.camera.dvs": (
        *_LENS, *_LOOK, ("positive_threshold", "float", "0.3"), ("negative_threshold", "float", "0.3"),
        ("sigma_positive_threshold", "float", "0.0"), ("sigma_negative_threshold", "float", "0.0"),
        ("refractory_period_ns", "int", "0"), ("use_log", "bool", "true"), ("log_eps", "float", "0.001"),
    ),
    "sensor.lidar.ray_cast": (
        *_SCAN, ("atmosphere_attenuation_rate", "float", "0.004"), ("dropoff_general_rate", "float", "0.45"),
        ("dropoff_intensity_limit", "float", "0.8"), ("dropoff_zero_intensity", "float", "0.4"),
        ("noise_stddev", "float", "0.0"), ("noise_seed", "int", "0"),
    ),
    "sensor.lidar.ray_cast_semantic": _SCAN,
    "sensor.other.collision": (),
    "sensor.other.lane_invasion": (),
    "sensor.other.obstacle": (
        ("distance", "float", "5.0"), ("hit_radius", "float", "0.5"), ("only_dynamics", "bool", "False"),
        ("debug_linetrace", "bool", "False"), _TICK,
    ),
    "sensor.other.gnss": (
        *_noise(("alt", _BIASED), ("lat", _BIASED), ("lon", _BIASED)), ("noise_seed", "int", "0"), _TICK,
    ),
    "sensor.other.imu": (
        *_noise(("accel", _AXES), ("gyro", _AXES), ("gyro", ("bias_x", "bias_y", "bias_z"))),
        ("noise_seed", "int", "0"), _TICK,
    ),
    "sensor.other.radar": (
        ("horizontal_fov", "float", "30.0"), ("vertical_fov", "float", "30.0"), ("range", "float", "100.0"),
        ("points_per_second", "int", "1500"), ("noise_seed", "int", "0"), _TICK,
    ),
}  # fmt: skip
"""Attributes by blueprint, without ``role_name``, which all have."""

NOT_SIMULATED = ("sensor.camera.normals", "sensor.camera.optical_flow", "sensor.camera.dvs")
"""Clients look these up when they start, whether or not they use them: they are listed, and refused when spawned."""
