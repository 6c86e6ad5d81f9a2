"""The main job in front of a user, without any account: real bot, real git, real sandboxes, scripted models."""
