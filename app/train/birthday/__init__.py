"""The birthday-paradox test by eye."""
