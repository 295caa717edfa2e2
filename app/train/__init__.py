"""The Train workspace, a folder a feature: runs, curves, pictures, data sets and diagnoses."""
