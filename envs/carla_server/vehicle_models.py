"""The vehicles of CARLA's catalogue: half sizes of their boxes and what their blueprints say.

Half sizes (m) as published for CARLA 0.9; they are rounded, and a new asset may differ by centimetres.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VehicleModel:
    """One vehicle: id without ``vehicle.``, half sizes (m), base type, generation, special type, mass (kg)."""

    name: str
    half_length_m: float
    half_width_m: float
    half_height_m: float
    base_type: str = "car"
    generation: int = 1
    special_type: str = ""
    mass_kg: float = 1700.0

    @property
    def wheels(self) -> int:
        """How many wheels it has."""
        return 2 if self.base_type in ("bicycle", "motorcycle") else 4


VEHICLE_MODELS = (
    VehicleModel("audi.a2", 1.853, 0.894, 0.774, mass_kg=1560.0),
    VehicleModel("audi.etron", 2.428, 1.016, 0.825, special_type="electric", mass_kg=2490.0),
    VehicleModel("audi.tt", 2.091, 0.997, 0.693, mass_kg=1590.0),
    VehicleModel("bh.crossbike", 0.744, 0.429, 0.808, "bicycle", mass_kg=150.0),
    VehicleModel("bmw.grandtourer", 2.306, 1.121, 0.834, mass_kg=1670.0),
    VehicleModel("carlamotors.carlacola", 2.602, 1.308, 1.234, "truck", mass_kg=5800.0),
    VehicleModel("carlamotors.european_hgv", 3.968, 1.447, 1.734, "truck", 2, mass_kg=9000.0),
    VehicleModel("carlamotors.firetruck", 4.234, 1.446, 1.914, "truck", 2, "emergency", 9000.0),
    VehicleModel("chevrolet.impala", 2.679, 1.017, 0.705, mass_kg=1800.0),
    VehicleModel("citroen.c3", 1.994, 0.925, 0.809, mass_kg=1150.0),
    VehicleModel("diamondback.century", 0.821, 0.186, 0.870, "bicycle", mass_kg=120.0),
    VehicleModel("dodge.charger_2020", 2.503, 1.049, 0.767, generation=2, mass_kg=1920.0),
    VehicleModel("dodge.charger_police", 2.487, 1.019, 0.776, special_type="emergency", mass_kg=1920.0),
    VehicleModel("dodge.charger_police_2020", 2.619, 1.028, 0.820, "car", 2, "emergency", 1920.0),
    VehicleModel("ford.ambulance", 3.183, 1.176, 1.216, "van", 2, "emergency", 3500.0),
    VehicleModel("ford.crown", 2.683, 0.900, 0.784, "car", 2, "taxi", 1800.0),
    VehicleModel("ford.mustang", 2.359, 0.947, 0.650, mass_kg=1740.0),
    VehicleModel("gazelle.omafiets", 0.919, 0.164, 0.888, "bicycle", mass_kg=130.0),
    VehicleModel("harley-davidson.low_rider", 1.178, 0.382, 0.638, "motorcycle", mass_kg=400.0),
    VehicleModel("jeep.wrangler_rubicon", 1.933, 0.953, 0.939, mass_kg=1950.0),
    VehicleModel("kawasaki.ninja", 1.017, 0.398, 0.573, "motorcycle", mass_kg=250.0),
    VehicleModel("lincoln.mkz_2017", 2.451, 1.064, 0.755, mass_kg=1696.0),
    VehicleModel("lincoln.mkz_2020", 2.446, 1.115, 0.737, generation=2, mass_kg=1696.0),
    VehicleModel("mercedes.coupe", 2.513, 1.076, 0.825, mass_kg=1750.0),
    VehicleModel("mercedes.coupe_2020", 2.337, 1.001, 0.721, generation=2, mass_kg=1750.0),
    VehicleModel("mercedes.sprinter", 2.958, 0.994, 1.280, "van", 2, mass_kg=2100.0),
    VehicleModel("micro.microlino", 1.104, 0.740, 0.688, special_type="electric", mass_kg=513.0),
    VehicleModel("mini.cooper_s", 1.903, 0.985, 0.738, mass_kg=1250.0),
    VehicleModel("mini.cooper_s_2021", 2.276, 1.049, 0.884, generation=2, mass_kg=1250.0),
    VehicleModel("mitsubishi.fusorosa", 5.136, 1.972, 2.126, "bus", 2, mass_kg=6500.0),
    VehicleModel("nissan.micra", 1.817, 0.923, 0.751, mass_kg=1060.0),
    VehicleModel("nissan.patrol", 2.302, 0.966, 0.927, mass_kg=2200.0),
    VehicleModel("nissan.patrol_2021", 2.783, 1.075, 1.022, generation=2, mass_kg=2200.0),
    VehicleModel("seat.leon", 2.096, 0.908, 0.737, mass_kg=1340.0),
    VehicleModel("tesla.cybertruck", 3.137, 1.195, 1.049, "truck", 1, "electric", 3000.0),
    VehicleModel("tesla.model3", 2.396, 1.082, 0.744, special_type="electric", mass_kg=1845.0),
    VehicleModel("toyota.prius", 2.257, 1.003, 0.762, special_type="electric", mass_kg=1380.0),
    VehicleModel("vespa.zx125", 0.902, 0.433, 0.685, "motorcycle", mass_kg=150.0),
    VehicleModel("volkswagen.t2", 2.240, 1.034, 1.019, "van", mass_kg=1600.0),
    VehicleModel("volkswagen.t2_2021", 2.221, 0.942, 0.997, "van", 2, mass_kg=1600.0),
    VehicleModel("yamaha.yzf", 1.105, 0.434, 0.626, "motorcycle", mass_kg=200.0),
)
