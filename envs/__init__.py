"""The world: scenes, simulators, scenarios and the Gymnasium environments. Importing it registers the Gymnasium ids."""

from envs.registration import register_envs

register_envs()
