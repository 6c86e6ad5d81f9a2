"""All that can happen, done by people and by the App alike: the state changes, and webhooks tell of it.

Whether somebody may do it is decided where they come in: `endpoints` for the App; people may do everything.
"""
