"""Measurements beside others: contestants in interleaved rounds, the convolutions alone, how cost grows."""
