"""What every diagnosis shares: the host of the study lane, the report and its findings as widgets."""
