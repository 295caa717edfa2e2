"""An open model under the hand: drawing, round trips, timelines, animations."""
