"""Many targets rotated as one: what is due, in which waves, and when it is better to stop. Pure.

(`core/fleet.py` is about something else: the instances of one application.)"""
