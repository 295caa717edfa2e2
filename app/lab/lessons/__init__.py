"""The lessons of the Lab: a strip of cards, the lesson that is open, and the numbers that prove it."""
