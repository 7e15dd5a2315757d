"""The brain of the other road users: following, lane changes, walkers, scripts; shared by every simulator."""
