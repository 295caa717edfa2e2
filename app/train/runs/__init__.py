"""The library of runs, in this process and in processes of their own."""
