"""Data sets: a folder or file of images becomes a memory-mapped uint8 cache with a fingerprint."""

from engine.data.dataset import DataSet, Split, open_dataset
from engine.data.examples import Example, labelled, photos_in
from engine.data.labels import BY_FOLDER, read_label_file
