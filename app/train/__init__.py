"""What stands behind Train: runs, curves, pictures, data sets and diagnoses."""
