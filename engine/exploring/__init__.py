"""An open model: drawing, round trips, timelines, animations."""
