"""How one schema becomes the next: run by ``Database.upgrade``. A shipped step never changes."""
